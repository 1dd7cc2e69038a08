"""Which settings mattered: a forest's impurity importances, where no study can be asked.

The sweep passes Optuna's own where it has the study. Either way a dozen trials say little.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from harness.records import Key, SweepRecord
from harness.report.names import searched

MIN_TRIALS = 4


def forest_importances(record: SweepRecord) -> dict[Key, Mapping[str, float]]:
    """Shares of the settings in what varies, per objective; empty below ``MIN_TRIALS`` trials.

    A random forest on the settings of the complete trials (scikit-learn, seeded); categories are
    numbered, a setting a trial does not have is told from all values.
    """
    trials = [trial for trial in record.trials if trial.values is not None]
    paths = [
        path
        for path in searched(record)
        if len({str(trial.params.get(path)) for trial in trials}) > 1
    ]
    if len(trials) < MIN_TRIALS or not paths:
        return {}
    features = np.array([[_number(trial.params.get(path)) for path in paths] for trial in trials])
    importances: dict[Key, Mapping[str, float]] = {}
    for index, objective in enumerate(record.objectives):
        values = [trial.values[index] for trial in trials if trial.values is not None]
        forest = RandomForestRegressor(n_estimators=200, random_state=0, n_jobs=1)
        forest.fit(features, values)
        importances[objective.key] = dict(
            zip(paths, map(float, forest.feature_importances_), strict=True)
        )
    return importances


def _number(value: object) -> float:
    if value is None:
        return -1.0
    if isinstance(value, bool | int | float):
        return float(value)
    return float(int(hashlib.sha256(str(value).encode()).hexdigest()[:6], 16))
