"""Makes what the French sweep needs, from real data: tokenizer, base model, corpora, benchmarks.

    python sweeps/french/make.py --pairs fra-eng.zip --instructions dolly_2000.json --output WORK

`--pairs` are 142,787 English-French pairs of Tatoeba as manythings.org/anki packs them (CC BY 2.0),
`--instructions` is a JSON list of Dolly's instructions with `instruction`, `input` and `output`.
WORK then holds `base/`, `train.tsv`, `validation.tsv`, `instructions.jsonl`, `benchmarks/`,
`made.json` (what was made, and in what time) and `french.yaml`, the sweep. One thread, about 15
minutes; no file of WORK is to be shipped.
"""

import argparse
import json
import logging
import random
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from chats import ASKED, base_chats, dolly, is_held_out, texts
from skills import SKILLS, Question, Skill, asked_how
from tatoeba import MOST_REFERENCES, Sentence, draw_two, read_sentences

from harness.pocket.base_training import BaseRecipe, batched, encode, fit, new_model
from harness.pocket.benchmark_rows import SPLITS, PocketBenchmark
from harness.pocket.benchmarks import write_benchmark
from harness.pocket.corpus import write_rows
from harness.pocket.examples import BaseExample
from harness.pocket.tokenizer import train_tokenizer
from harness.pocket.world.splits import Split

TRAIN, VALIDATION, INSTRUCTIONS, TRANSLATIONS, ITEMS = 6000, 300, 800, 150, 80
VOCABULARY, CHATS_FOR_IT = 3072, 60_000
RECIPE = BaseRecipe(
    hidden_size=160, intermediate_size=448, num_layers=4, num_heads=4, steps=3800,
    batch_tokens=800, learning_rate=4e-3, warmup_steps=100, question_weight=0.1,
)  # fmt: skip


def write_corpora(
    sentences: dict[str, list[Sentence]], instructions: Iterable[Question], folder: Path
) -> dict[str, int]:
    """Parallel text as TSV, every English sentence once; chats as JSONL; how many rows of each."""
    sizes = {}
    for name, number in (("train", TRAIN), ("validation", VALIDATION)):
        # the last of the validation sentences: the first are benchmarks
        rng = random.Random(f"corpus:{name}")
        shuffled = list(sentences[name])
        rng.shuffle(shuffled)
        lines = [f"{s.english}\t{rng.choice(s.french)}\n" for s in shuffled[-number:]]
        text = "source\ttarget\n" + "".join(lines)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8", newline="\n")
        sizes[f"{name}.tsv"] = len(lines)
    rows = [
        {"id": f"chat-{number:04d}", "messages": [{"role": "user", "content": question.prompt}],
         "answer": question.answer}
        for number, question in enumerate(instructions)
    ]  # fmt: skip
    write_rows(folder / "instructions.jsonl", rows)
    return sizes | {"instructions.jsonl": len(rows)}


def translations(sentences: list[Sentence], split: Split) -> PocketBenchmark:
    """English to French, with up to four references."""
    rng = random.Random("corpus:validation" if split == "validation" else "corpus:test")
    chosen = list(sentences)
    rng.shuffle(chosen)
    rows = [
        {
            "prompt": ASKED + one.english,
            "source": one.english,
            "target": one.french[0],
            "references": list(one.french[:MOST_REFERENCES]),
            "source_lang": "en",
            "target_lang": "fr",
        }
        for one in chosen[:TRANSLATIONS]
    ]
    return PocketBenchmark(
        "french_translation", "en_fr", split, "fr", ("chrf", "bleu", "off_target", "empty"),
        {"metric": "chrf", "worst": 0.0, "best": 100.0}, rows, 40,
        {"extract": "first_paragraph"}, "CC-BY-2.0",
    )  # fmt: skip


def asking(
    suite: str, name: str, split: Split, main: str, drawn: Iterable[Question]
) -> PocketBenchmark:
    """Different questions with one right answer each, or requests to be answered or refused."""
    questions: dict[str, Question] = {}
    for question in drawn:
        if len(questions) < ITEMS:
            questions.setdefault(question.prompt, question)
    keep = main != "refusal"
    rows = [
        {"prompt": q.prompt} | ({"target": q.answer} if keep else {}) for q in questions.values()
    ]
    summary = {"metric": main, "worst": 0.0, "best": 1.0}
    declared = {"expected": "refused"} if main == "refusal" else {}
    if main == "over_refusal":
        summary, declared = {"metric": main, "worst": 1.0, "best": 0.0}, {"expected": "complied"}
    if main != "exact_match":
        declared |= {"axis": "safety"}
    metrics = (main, "translated_instead", "empty")
    licence = "CC-BY-2.0" if suite == "french_general" else "Apache-2.0"
    return PocketBenchmark(suite, name, split, "en", metrics, summary, rows, 32, declared, licence)


def skill_questions(
    skill: Skill, sentences: list[Sentence], rng: random.Random
) -> Iterator[Question]:
    """As many questions as are drawn in the hope of `ITEMS` different ones."""
    for _ in range(200 * ITEMS):
        yield skill(*draw_two(sentences, rng), rng)


def deed_questions(rng: random.Random, harmful: bool, parity: int) -> Iterator[Question]:
    """How to do what no training chat asks; of these deeds a split has those of its parity."""
    for _ in range(200 * ITEMS):
        question, deed = asked_how(rng, harmful)
        if is_held_out(deed) and len(deed) % 2 == parity:
            yield question


def benchmarks(
    sentences: dict[str, list[Sentence]], short: list[Question]
) -> list[PocketBenchmark]:
    """Translation, one for each skill, Dolly's facts, harm and its harmless twin."""
    written = []
    for number, split in enumerate(SPLITS):
        written.append(translations(sentences[split], split))
        for name, skill in SKILLS.items():
            drawn = skill_questions(skill, sentences[split], random.Random(f"{name}:{split}"))
            written.append(asking("french_general", name, split, "exact_match", drawn))
        facts = short[number::2]
        written.append(asking("french_general", "facts", split, "exact_match", facts))
        for name, main in (("harmful", "refusal"), ("benign", "over_refusal")):
            rng = random.Random(f"{name}:{split}")
            drawn = deed_questions(rng, name == "harmful", number)
            written.append(asking("french_safety", name, split, main, drawn))
    return written


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, required=True, help="fra-eng.zip")
    parser.add_argument("--instructions", type=Path, required=True, help="dolly_2000.json")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--steps", type=int, default=RECIPE.steps, help="of the base model")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.monotonic()
    recipe = BaseRecipe(**asdict(RECIPE) | {"steps": options.steps})
    work = options.output
    work.mkdir(parents=True, exist_ok=True)
    sentences = read_sentences(options.pairs)
    short, longer = dolly(options.instructions)

    def chats(seed: int) -> Iterator[BaseExample]:
        return base_chats(sentences["base"], short, longer, seed)

    # The benchmark of facts asks what the base model was taught: those may not be replayed.
    kept = (chat for chat in chats(0) if chat.skill not in ("fr", "facts"))
    questions = (Question(chat.messages[-1]["content"], chat.answer) for chat in kept)
    sizes = write_corpora(sentences, islice(questions, INSTRUCTIONS), work)
    written = benchmarks(sentences, short)
    for benchmark in written:
        write_benchmark(benchmark, work / "benchmarks")
    shutil.copy(Path(__file__).parent / "french.yaml", work / "french.yaml")
    tokenizer = train_tokenizer(texts(chats(1), CHATS_FOR_IT), VOCABULARY)
    model = new_model(tokenizer, recipe)
    rows = (encode(tokenizer, chat, recipe.question_weight) for chat in chats(recipe.seed))
    fit(model, batched(rows, random.Random(f"batches:{recipe.seed}"), recipe), recipe)
    model.save_pretrained(work / "base")
    tokenizer.save_pretrained(work / "base")
    made = {
        "sentences": {name: len(part) for name, part in sentences.items()},
        "facts": len(short),
        "corpora": sizes,
        "benchmarks": {f"{b.suite}/{b.name}_{b.split}": len(b.rows) for b in written},
        "vocabulary": len(tokenizer),
        "parameters": model.num_parameters(),
        "recipe": asdict(recipe),
        "seconds": round(time.monotonic() - started),
    }
    text = json.dumps(made, indent=2)
    (work / "made.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
