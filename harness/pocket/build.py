"""Rebuilds the pocket testbed by one command: `python -m harness.pocket.build`.

Without `--output` it rewrites the shipped testbed (`harness/pocket/files` and `benchmarks/`); with
it, a complete second testbed (`files/` and `benchmarks/`) is written elsewhere. `--world-seed`
draws another world by the same recipe, `--architecture` trains another kind of model on it.
Everything but the COMET takes one CPU thread about 20 minutes.
"""

import argparse
import hashlib
import json
import logging
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.pocket.benchmarks import write_benchmarks
from harness.pocket.comet_training import build_comet
from harness.pocket.corpus import write_corpora
from harness.pocket.world.world import draw_world

logger = logging.getLogger(__name__)

WORLD_SEED = 1
FILES = Path(__file__).parent / "files"
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ARCHITECTURES = ("llama", "gpt_neox")
PARTS = ("world", "base", "benchmarks", "comet")
"""`world` writes the corpora, `base` the model and its scores."""


def sha256_of(files: Path) -> dict[str, str]:
    """The sha256 of every file of the testbed but the recipe itself, by relative path."""
    found = sorted(path for path in files.rglob("*") if path.is_file())
    return {
        path.relative_to(files).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path != files / "RECIPE.json"
    }


def build(
    files: Path, benchmarks: Path, world_seed: int, architecture: str, parts: Sequence[str]
) -> None:
    """Builds the parts asked for and records how in `RECIPE.json`."""
    world = draw_world(world_seed)
    recipe_file = files / "RECIPE.json"
    recipe: dict[str, Any] = {}
    if recipe_file.exists():
        recipe = json.loads(recipe_file.read_text(encoding="utf-8"))
    command = f"python -m harness.pocket.build --world-seed {world_seed}"
    recipe |= {
        "command": f"{command} --architecture {architecture}",
        "world_seed": world_seed,
        "python": platform.python_version(),
    }
    if "world" in parts:
        write_corpora(world, files / "corpus")
    if "benchmarks" in parts:
        write_benchmarks(world, benchmarks)
    if "base" in parts:
        recipe |= _build_base(files, world_seed, architecture)
    if "comet" in parts:
        build_comet(files, world_seed)
    recipe["sha256"] = sha256_of(files)
    recipe_file.parent.mkdir(parents=True, exist_ok=True)
    recipe_file.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8", newline="\n")


def _build_base(files: Path, world_seed: int, architecture: str) -> dict[str, Any]:
    """Trains and scores the base model; what the recipe says of it."""
    from harness.pocket import base_training, scoring  # torch, for this part only

    world = draw_world(world_seed)
    base_recipe = base_training.BaseRecipe(architecture)
    seconds = base_training.train_base(world, files / "base", base_recipe)
    scores = scoring.score_all(scoring.load_chat(files / "base"), world)
    for shortfall in scoring.shortfalls(scores):
        logger.warning("the base model falls short: %s", shortfall)
    return {
        "base": asdict(base_recipe),
        "base_seconds": round(seconds),
        "scores": scores,
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.pocket.build", description=__doc__)
    parser.add_argument("--world-seed", type=int, default=WORLD_SEED, help="draws the world")
    parser.add_argument(
        "--architecture", choices=ARCHITECTURES, default="llama", help="of the base model"
    )
    parser.add_argument("--output", type=Path, help="folder of a second testbed (default: shipped)")
    parser.add_argument("--only", choices=PARTS, action="append", help="build this part alone")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    files, benchmarks = FILES, BENCHMARKS
    if options.output:
        files, benchmarks = options.output / "files", options.output / "benchmarks"
    parts = options.only or PARTS
    build(files, benchmarks, options.world_seed, options.architecture, parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
