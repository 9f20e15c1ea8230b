"""`rantai topics`: creates the declared Kafka topics, and corrects their settings."""

import json
from typing import Annotated

import typer

from services.cli.endpoint import exit_with_error
from services.cli.options import Json
from services.cli.printing import printable
from services.kafka.topics import BrokerUnavailable
from services.kafka.topics import apply as apply_topics
from services.settings import Settings

app = typer.Typer(
    help="Kafka topics, as declared in services/kafka/topics.py.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _topics() -> None:
    """Makes `apply` a subcommand: without a callback, an only command has no name of its own."""


@app.command()
def apply(
    kafka: Annotated[str | None, typer.Option(help="broker; default: RANTAI_KAFKA")] = None,
    partner: Annotated[
        list[str] | None, typer.Option(help="create this sender's inbound topic too")
    ] = None,
    replication: Annotated[int | None, typer.Option(help="default: RANTAI_REPLICATION")] = None,
    partitions: Annotated[int | None, typer.Option(help="default: RANTAI_PARTITIONS")] = None,
    as_json: Json = False,
) -> None:
    """Create missing topics, and correct the settings of the others. Safe to run again.

    Example: rantai topics apply --kafka broker-1:9092 --replication 3 --partner AHM
    """
    settings = Settings.from_environment()
    try:
        done = apply_topics(
            kafka or settings.kafka,
            partners=partner or (),
            partitions=partitions or settings.partitions,
            replication=replication or settings.replication,
        )
    except BrokerUnavailable as error:
        raise exit_with_error(str(error)) from None
    if as_json:
        typer.echo(json.dumps({one.name: one.change for one in done}))
        return
    for one in done:
        typer.echo(printable(f"{one.change:<10} {one.name}"))
