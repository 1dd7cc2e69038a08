"""Where a tracking store is: its URI, its file, and a file of its own for a new one."""

from pathlib import Path
from urllib.parse import quote, unquote

from harness.errors import ConfigError
from harness.storage.files import publish_once
from harness.tracking.library import MlflowClient, get_tracking_uri

_SQLITE = "sqlite:///"
_PLAIN_IN_PATHS = "/ !$&'()*+,:;=@[]~"


def store_uri(uri: str | None = None) -> str:
    """The store used for a URI: itself, ``MLFLOW_TRACKING_URI``, or MLflow's default.

    Raises:
        ConfigError: An old ``./mlruns`` file store lies in the way of the default.
    """
    chosen = uri or get_tracking_uri()
    if chosen.startswith("file:") or chosen in ("mlruns", "./mlruns"):
        raise ConfigError(
            f"tracking store {chosen}: MLflow no longer writes to file stores",
            "move the old ./mlruns folder away (`mlflow migrate-filestore` converts it), or name a "
            "store: --tracking-uri sqlite:///mlflow.db",
        )
    return str(chosen)


def existing_store(uri: str | None = None) -> str:
    """As ``store_uri``, for reading: a local store that is not there is not made.

    Raises:
        ConfigError: There is no such store.
    """
    chosen = store_uri(uri)
    file = sqlite_file(chosen)
    if file is not None and not file.is_file():
        raise ConfigError(
            f"{unquote(chosen.removeprefix(_SQLITE))}: no such MLflow store ({chosen})",
            "a sweep or a run makes it; --tracking-uri names another",
        )
    return chosen


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store, in whose URI MLflow writes a blank as ``%20``.

    >>> sqlite_file("sqlite:////home/new%20comer/mlflow.db")
    PosixPath('/home/new comer/mlflow.db')
    """
    if not uri.startswith(_SQLITE) or uri == _SQLITE or "?" in uri:  # options follow a "?"
        return None
    return Path(unquote(uri.removeprefix(_SQLITE))).absolute()


def uri_of(file: Path) -> str:
    """The URI of a SQLite store in a file."""
    # A blank stays one: MLflow would make a folder of the name with %20 beside the true one.
    return f"{_SQLITE}{quote(str(file), safe=_PLAIN_IN_PATHS)}"


def absolute(uri: str) -> str:
    """The URI wherever the process goes: MLflow keeps open stores by URI, whatever the folder."""
    file = sqlite_file(uri)
    return uri if file is None else uri_of(file)


def create_whole(uri: str) -> None:
    """Makes the file of a new SQLite store, all its tables or none.

    MLflow makes them one by one; what is left of a process killed meanwhile cannot be opened again.
    """
    file = sqlite_file(uri)
    if file is not None:
        publish_once(
            file,
            lambda draft: MlflowClient(uri_of(draft)).search_experiments(max_results=1),
        )
