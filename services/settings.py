"""Every setting of every service, in one place, with its default and its meaning.

A setting is read from the environment variable `RANTAI_<NAME>`; `rantai up` fills the same fields
from its options. No default is a secret.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from schemas.messages import UNKNOWN_FAULT, message_of

# Compose files pass a variable that is not set as "", which as a path is the working directory.
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class SettingsError(ValueError):
    """A setting is missing or invalid; the message names its variable and what is wrong."""


def _message(row: ErrorDetails) -> str:
    message = message_of(row)
    return "is not a valid value; see docs/operations.md" if message == UNKNOWN_FAULT else message


class Settings(BaseModel):
    """The settings of one process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka: str = Field(default="127.0.0.1:9092", description="bootstrap servers of the broker")
    clickhouse_url: str | None = Field(
        default=None,
        description="ClickHouse over HTTP, http(s)://user:password@host:port/database; "
        "if absent: the embedded engine, in the data directory",
    )
    data_dir: Path = Field(
        default=Path("var/rantai"), description="directory of keys, link secret and embedded store"
    )
    keys_file: Path | None = Field(
        default=None, description="file of the API keys; default: <data dir>/keys.json"
    )
    host: str = Field(default="127.0.0.1", description="address that a service listens on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="port that a service listens on"
    )
    public_url: str | None = Field(
        default=None, description="base URL of links; default: http://<host>:<port>"
    )
    policy: OptionalPath = Field(
        default=None, description="policy, a TOML file; default: the packaged one"
    )
    zone: OptionalText = Field(
        default=None, description="time zone of the receiving sites; default: the policy's"
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=10 * 1024 * 1024, description="largest body of POST /v1/events"
    )
    max_body_events: Annotated[int, Field(ge=1)] = Field(
        default=10_000, description="most events in one POST /v1/events"
    )
    max_requests_per_key: Annotated[int, Field(ge=1)] = Field(
        default=32, description="requests of one key in progress at once; more are answered 429"
    )
    max_held_bytes_per_key: Annotated[int, Field(ge=1024)] = Field(
        default=40 * 1024 * 1024,
        description="bytes of one key's request bodies in memory at once, as received and "
        "unpacked; more are answered 429, except a key's only body and any body up to 64 KiB",
    )
    max_held_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=160 * 1024 * 1024, description="the same, for all keys together"
    )
    max_reads_per_reader: Annotated[int, Field(ge=1)] = Field(
        default=16,
        description="requests for figures and pages in progress at once of one key, one link, or "
        "one address without either; more are answered 429",
    )
    max_reads: Annotated[int, Field(ge=1)] = Field(
        default=256, description="the same, for all readers together"
    )
    read_threads: Annotated[int, Field(ge=1)] = Field(
        default=2,
        description="threads that read figures and pages; with the embedded engine each may keep "
        "one processor busy",
    )
    answer_seconds: Annotated[float, Field(gt=0)] = Field(
        default=20.0, description="longest wait for the broker (or ledger) before a 503"
    )
    partitions: Annotated[int, Field(ge=1)] = Field(
        default=6, description="partitions of a new topic"
    )
    replication: Annotated[int, Field(ge=1)] = Field(
        default=1, description="replicas of a new topic; 3 in production"
    )
    batch_rows: Annotated[int, Field(ge=1)] = Field(
        default=20_000, description="most events in one insert"
    )
    batch_seconds: Annotated[float, Field(ge=0)] = Field(
        default=0.2, description="longest wait for a batch to fill"
    )
    session_seconds: Annotated[float, Field(ge=6)] = Field(
        default=30.0,
        description="how long a consumer that sends no heartbeat keeps its partitions; the "
        "embedded broker also takes half of it to form a group",
    )
    stall_seconds: Annotated[float, Field(gt=0)] = Field(
        default=120.0,
        description="a part of the processor is restarted after this time without progress",
    )
    heal_seconds: Annotated[float, Field(gt=0)] = Field(
        default=600.0,
        description="a part that keeps failing and restarting for this long ends its process",
    )
    embedded_log_mb: Annotated[int, Field(ge=32)] = Field(
        default=256,
        description="memory of the embedded broker, in MiB, above which it is restarted empty, "
        "once the ledger has all of its records",
    )
    inbound_discovery_seconds: Annotated[float, Field(gt=0)] = Field(
        default=5.0, description="interval at which to look for new rantai.inbound.* topics"
    )
    evaluation_seconds: Annotated[float, Field(gt=0)] = Field(
        default=2.0,
        description="interval at which to look for suppliers whose facts changed, evaluate them "
        "and announce changes on rantai.readiness",
    )
    evaluation_quiet_seconds: Annotated[float, Field(ge=0)] = Field(
        default=10.0,
        description="a supplier's month end is frozen only after this time without events about "
        "the supplier",
    )
    evaluation_grace_hours: Annotated[float, Field(ge=0)] = Field(
        default=6.0,
        description="a month end is frozen at the earliest this long after it: nightly batches "
        "bring the events of its last day",
    )
    findings_seconds: Annotated[float, Field(gt=0)] = Field(
        default=600.0,
        description="interval at which to note which findings of data quality are new and which "
        "were put right; longer if one look takes over a fiftieth of it",
    )
    fsync: bool = Field(
        default=True,
        description="whether an insert into the embedded ledger waits until it is on disk",
    )
    metrics_suppliers: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=50, description="number of suppliers with their own metrics: those most at risk"
    )
    metrics_named: OptionalText = Field(
        default=None,
        description="ids of suppliers, separated by commas, that have their own metrics whatever "
        "their risk",
    )
    metrics_groups: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50,
        description="most clusters, and most regions, buyers, assessors and senders, with their "
        "own label in metrics; the rest is added up under (other)",
    )
    reconcile_seconds: Annotated[float, Field(gt=0)] = Field(
        default=300.0,
        description="interval at which the exporter reconciles accepted events with the ledger",
    )
    clickhouse_cluster: OptionalText = Field(
        default=None,
        description="name of the ClickHouse cluster, if the store is one: its tables are "
        "replicated and sharded by supplier",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from `RANTAI_*` variables. Raises SettingsError if one is invalid."""
        known = {f"RANTAI_{name.upper()}": name for name in cls.model_fields}
        values = {known[key]: value for key, value in environment.items() if key in known}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            rows = [
                f"RANTAI_{str(row['loc'][0]).upper()}: {_message(row)}"
                for row in error.errors(include_input=False)
            ]
            raise SettingsError("; ".join(rows)) from None

    @property
    def keys_path(self) -> Path:
        """Path of the file of API keys."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def base_url(self) -> str:
        """Base URL of links, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def as_table() -> str:
    """Return every setting as a Markdown table: variable, default, meaning.

    docs/operations.md contains it.
    """
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `RANTAI_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_table())
