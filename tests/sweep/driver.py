"""A sweep as a program of its own, for tests that kill it: FILE HOME WORKERS."""

import json
import sys
from pathlib import Path

from harness.sweep.run import run_sweep
from harness.sweep.spec import load_sweep_spec


def main() -> None:
    file, home, workers = sys.argv[1:]
    record = run_sweep(
        load_sweep_spec(Path(file)),
        home=Path(home),
        workers=int(workers),
        runner="tests.sweep.fake:run",
    )
    print(json.dumps({"front": record.front, "run_id": record.run_id}))


if __name__ == "__main__":
    main()
