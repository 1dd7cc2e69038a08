from harness.seeds import stream, stream_seed


def test_streams_of_other_names_and_seeds_differ_and_the_same_repeats():
    draws = {(seed, name): stream(seed, name).random() for seed in (1, 2) for name in ("a", "b")}
    assert len(set(draws.values())) == 4
    assert stream(1, "a").random() == draws[1, "a"]


def test_a_seed_for_a_library_fits_in_63_bits():
    assert all(0 <= stream_seed(seed, "torch") < 2**63 for seed in range(100))
