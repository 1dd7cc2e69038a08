"""``harness ui``: the MLflow UI on the right store."""

import click

from harness.cli import options


@click.command("ui", epilog=options.examples("harness ui", "harness ui --port 5050"))
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    show_default="the first free one from 5000",
    help="Port on 127.0.0.1.",
)
@options.tracking_uri
@options.verbosity
def command(port: int | None, tracking_uri: str | None) -> None:
    """Serve the MLflow UI of your runs on 127.0.0.1 until Ctrl-C.

    The store is the one the other commands log to: --tracking-uri, else MLFLOW_TRACKING_URI, else
    MLflow's own default in this folder.
    """
    from harness.tracking.ui import serve

    serve(tracking_uri, port, _announce)


def _announce(address: str) -> None:
    click.echo(f"MLflow UI: {address}")
    if "127.0.0.1" in address:
        click.echo("It answers in a few seconds; Ctrl-C ends it.")
