"""Makes the pocket COMET: rated translations of the world, trained on by unbabel-comet itself.

The rows are written here; the training runs in the COMET interpreter (``comet_fit.py``), which the
main environment cannot be.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.errors import TrainingError
from harness.pocket.corruptions import all_renderings, ladder, rated_translations
from harness.pocket.world.world import World, draw_world
from harness.processes.interpreter import COMET, comet_variables
from harness.records import JSON
from harness.settings.spec import file_sha256

FIT = Path(__file__).with_name("comet_fit.py")
NUM_PAIRS = {"train": 6000, "validation": 300, "test": 500}
"""English-German sentence pairs per part; every pair gives four rows, two in each direction."""
OUTPUTS_EACH = 2
EPOCHS = 6
SEED = 1


def build_comet(files_dir: Path, world_seed: int, python: str | None = None) -> Path:
    """Trains the pocket COMET of a world into ``files_dir/comet``; about seven minutes on one core.

    Args:
        files_dir: The pocket's files; what lies under ``comet`` is replaced, whole or not at all.
        world_seed: Of the world.
        python: Interpreter with unbabel-comet; by default the one ``COMET.python`` finds.

    Raises:
        MissingExtra: There is no interpreter with unbabel-comet.
        TrainingError: The training failed; the message has its last lines.
    """
    interpreter = COMET.python(python)
    files_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=files_dir, prefix=".comet-") as scratch:
        rows, made = Path(scratch) / "rows", Path(scratch) / "comet"
        _write_rows(rows, draw_world(world_seed))
        _fit(interpreter, rows, made)
        _write_recipe(made, world_seed)
        shutil.rmtree(files_dir / "comet", ignore_errors=True)
        os.rename(made, files_dir / "comet")
    return files_dir / "comet"


def _write_rows(folder: Path, world: World) -> None:
    folder.mkdir()
    sources: set[str] = set()
    for number, (part, num_pairs) in enumerate(NUM_PAIRS.items()):
        rows = rated_translations(world, num_pairs, OUTPUTS_EACH, SEED * 10 + number)
        new = [row for row in rows if row.source not in sources]
        sources.update(row.source for row in rows)
        _write(
            folder / f"{part}.jsonl",
            [
                {
                    "src": row.source,
                    "mt": row.output,
                    "ref": row.reference,
                    "score": round(row.quality, 4),
                    "kind": row.kind,
                    "direction": row.direction,
                }
                for row in new
            ],
        )
    tested = {row.source for row in new}
    _write(
        folder / "ladder.jsonl",
        [
            {
                "src": rendering.source,
                "ref": rendering.reference,
                "outputs": ladder(rendering, SEED),
            }
            for rendering in all_renderings(world, NUM_PAIRS["test"], SEED * 10 + number)
            if rendering.source in tested
        ],
    )


def _write(path: Path, rows: list[dict[str, JSON]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def _fit(interpreter: Path, rows: Path, output: Path) -> None:
    command = [str(interpreter), "-I", str(FIT), str(rows), str(output)]
    settings = ["--seed", str(SEED), "--epochs", str(EPOCHS)]
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            [*command, *settings], env=comet_variables(threads=1), stderr=errors, check=False
        )
        if done.returncode != 0:
            errors.seek(0)
            last = "".join(errors.readlines()[-12:])
            raise TrainingError(f"{FIT.name} failed with exit code {done.returncode}:\n{last}")


def _write_recipe(folder: Path, world_seed: int) -> None:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (folder / "report.json").unlink()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    recipe = {
        "command": f"python -m harness.pocket.build --only comet --world-seed {world_seed}",
        "world_seed": world_seed,
        "seed": SEED,
        "epochs": EPOCHS,
        "sentence_pairs": NUM_PAIRS,
        "rows_per_pair": 2 * OUTPUTS_EACH,
        **report,
        "sha256": {str(path.relative_to(folder)): file_sha256(path) for path in files},
    }
    text = json.dumps(recipe, indent=1, ensure_ascii=False) + "\n"
    (folder / "RECIPE.json").write_text(text, encoding="utf-8")
