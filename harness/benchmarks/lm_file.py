"""The two-line YAML that makes a benchmark of any task of lm-eval's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.benchmarks.source import HUB
from harness.benchmarks.task import Summary
from harness.data.extract import Extract
from harness.languages.tags import LanguageTag
from harness.records import ASKED, JSON, Axis, Split
from harness.settings.spec import Spec

FEWSHOT_SEED = 1234
"""For the choice of few-shot examples: lm-eval's own default."""

PREFIX = "lm_eval:"
"""What an entry of `eval.suites` begins with that names a task of lm-eval's."""


class LmTaskFile(Spec):
    """A task, group or tag of lm-eval's by its name, and what the harness adds to it."""

    include: Literal["lm_eval"]
    """Says that lm-eval has the task."""

    task: str = Field(min_length=1)
    """Its name there; a group becomes a benchmark for each of its tasks."""

    split: Split = Split.TEST
    """What it is for; lm-eval takes the data's test split where there is one."""

    language: LanguageTag = "en"
    """BCP-47 tag of the language wanted of the answers."""

    num_fewshot: int | None = Field(None, ge=0)
    """Examples shown before the question; the task's own number when not given."""

    metric: str = ""
    """Which of the task's metrics is the score, of those that are means; by default its first."""

    filter: str = ""
    """Which of its filters ("strict-match"); by default its first."""

    summary: Summary | None = Summary(metric="lm_eval", worst=0.0, best=1.0)
    """Its part in the suite's summary; null for none."""

    needs: tuple[str, ...] = ()
    """Hub ids of its data. Where they are given, copies are wanted at `hub/<id>` in the data folder
    and nothing is fetched; without them lm-eval fetches what it has not got."""

    axis: Axis | None = None
    """What it tells of: `translation`, `general` (when not given) or `safety`."""

    licence: str = "see the task in lm-eval"
    """Licence of the data."""

    def settings(self) -> Mapping[str, Any]:
        """What the metric `lm_eval` is told."""
        return {name: value for name in ("metric", "filter") if (value := getattr(self, name))}

    def missing(self, data: Path | None) -> str | None:
        """What has to be in the data folder and is not; None when nothing is missing."""
        lacking = [one for one in self.needs if data is None or not (data / HUB / one).is_dir()]
        if not lacking:
            return None
        copies = ", ".join(f"{HUB}/{one}" for one in lacking)
        where = "no data folder is named (eval.data or HARNESS_DATA)" if data is None else str(data)
        return (
            f"its data are not here: {copies} is missing from the data folder ({where}); get: "
            + "; ".join(
                f"hf download --repo-type dataset {hub_id} --local-dir DATA/{HUB}/{hub_id}"
                for hub_id in lacking
            )
        )


@dataclass(frozen=True)
class LmTask:
    """A task of lm-eval's, ready to be asked.

    Attributes:
        name: Its name there.
        task: lm-eval's object.
        rows: An id and a prompt for each of its items.
        sha256: Of all requests as rendered, and of the items with their right answers.
        definition: Digest of how it is asked and scored, and of lm-eval's version.
        shots: Number of examples shown.
        version: lm-eval's version of the task.
        output_type: Whether text is written or choices are compared.
    """

    name: str
    task: Any = field(repr=False)
    rows: tuple[Mapping[str, JSON], ...] = field(repr=False)
    sha256: str
    definition: str
    shots: int
    version: str
    output_type: Literal["generate_until", "multiple_choice"]

    def identity(self) -> dict[str, JSON]:
        """What may change its predictions, what its metrics gave them among it, beside the data."""
        return {"task": self.definition, "extract": Extract().plain()}

    def signature(self, split: Split) -> list[str]:
        """What scores say of how it was asked and scored."""
        return [f"split:{split}", f"shots:{self.shots}", f"{ASKED}{self.definition[:8]}"]
