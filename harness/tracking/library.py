"""The only door to MLflow, which is told to be quiet before it is first imported."""

import logging
import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # its 7 take minutes

from mlflow import MlflowClient, entities
from mlflow.exceptions import MlflowException
from mlflow.tracking import get_tracking_uri

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.WARNING)

__all__ = ["MlflowClient", "MlflowException", "entities", "get_tracking_uri"]
