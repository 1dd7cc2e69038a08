from harness.models.generation.copies import copies_of, seeds_of

PROMPTS = [(1, 2), (3,), (1, 2)]


def test_seeds_are_those_of_answers_that_are_kept() -> None:
    assert seeds_of(PROMPTS, 7, "vllm") == [
        637053322122166698,
        5990735433584980411,
        3962395486752463146,
    ]


def test_a_row_keeps_its_seed_in_other_company() -> None:
    seeds = seeds_of(PROMPTS, 7, "vllm")
    assert seeds_of(PROMPTS[1:], 7, "vllm") == [seeds[1], seeds[0]]
    assert not {*seeds} & {*seeds_of(PROMPTS, 8, "vllm"), *seeds_of(PROMPTS, 7, "server")}
    assert copies_of(PROMPTS) == [0, 0, 1]
