"""Every setting of every service, in one place, with its default and its meaning.

A setting is read from the environment as `RANTAI_<NAME>`; `rantai up` fills the same fields from
its options. There is no secret among the defaults.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from schemas.messages import UNKNOWN, message_of

# Compose files hand on what is not set as "", which as a path would be the working directory.
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and says what to do."""


def _said(row: ErrorDetails) -> str:
    said = message_of(row)
    return "is not what this setting takes; docs/operations.md says it" if said == UNKNOWN else said


class Settings(BaseModel):
    """The settings of one process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka: str = Field(default="127.0.0.1:9092", description="bootstrap servers of the broker")
    clickhouse_url: str | None = Field(
        default=None,
        description="ClickHouse over HTTP, http(s)://user:password@host:port/database; "
        "absent: the engine in this process, in the data directory",
    )
    data_dir: Path = Field(
        default=Path("var/rantai"), description="where keys, link secret and the store are kept"
    )
    keys_file: Path | None = Field(
        default=None, description="API keys; default <data dir>/keys.json"
    )
    host: str = Field(default="127.0.0.1", description="address that a service listens on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="port that a service listens on"
    )
    public_url: str | None = Field(
        default=None, description="what links begin with; default http://<host>:<port>"
    )
    policy: OptionalPath = Field(
        default=None, description="rules of judgement, a TOML file; default: the packaged ones"
    )
    zone: OptionalText = Field(
        default=None, description="time zone of the receiving sites; default: the policy's"
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=10 * 1024 * 1024, description="largest body of POST /v1/events"
    )
    max_body_events: Annotated[int, Field(ge=1)] = Field(
        default=10_000, description="most events of one POST /v1/events"
    )
    max_requests_per_key: Annotated[int, Field(ge=1)] = Field(
        default=32, description="requests of one key under way at once; more are answered 429"
    )
    max_held_bytes_per_key: Annotated[int, Field(ge=1024)] = Field(
        default=40 * 1024 * 1024,
        description="bytes of one key's bodies in memory at once, as they came and unpacked; more "
        "are answered 429. A key's only body is never refused for it, nor is one up to 64 KiB",
    )
    max_held_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=160 * 1024 * 1024, description="the same of all keys together"
    )
    max_reads_per_reader: Annotated[int, Field(ge=1)] = Field(
        default=16,
        description="requests for figures and pages under way at once of one key, one link, or one "
        "address that shows neither; more are answered 429",
    )
    max_reads: Annotated[int, Field(ge=1)] = Field(
        default=256, description="the same of all readers together"
    )
    read_threads: Annotated[int, Field(ge=1)] = Field(
        default=2,
        description="threads for figures and pages; on the embedded engine each takes one of its "
        "processors",
    )
    answer_seconds: Annotated[float, Field(gt=0)] = Field(
        default=20.0, description="longest wait for the broker (or ledger) before a 503"
    )
    partitions: Annotated[int, Field(ge=1)] = Field(
        default=6, description="partitions of a topic when it is made"
    )
    replication: Annotated[int, Field(ge=1)] = Field(
        default=1, description="replicas of a topic when it is made; 3 in production"
    )
    batch_rows: Annotated[int, Field(ge=1)] = Field(
        default=20_000, description="most events of one insert"
    )
    batch_seconds: Annotated[float, Field(ge=0)] = Field(
        default=0.2, description="longest wait for a batch to fill"
    )
    session_seconds: Annotated[float, Field(ge=6)] = Field(
        default=30.0,
        description="how long a silent consumer keeps its partitions; the embedded broker also "
        "takes half of it to form a group",
    )
    stall_seconds: Annotated[float, Field(gt=0)] = Field(
        default=120.0,
        description="a part of the processor without progress for so long is started anew",
    )
    heal_seconds: Annotated[float, Field(gt=0)] = Field(
        default=600.0,
        description="a part that is started anew and fails again for so long ends its process",
    )
    embedded_log_mb: Annotated[int, Field(ge=32)] = Field(
        default=256,
        description="memory of the embedded broker, in MiB, above which it is started empty, once "
        "the ledger has all of its records",
    )
    inbound_discovery_seconds: Annotated[float, Field(gt=0)] = Field(
        default=5.0, description="how often new rantai.inbound.* topics are looked for"
    )
    evaluation_seconds: Annotated[float, Field(gt=0)] = Field(
        default=2.0,
        description="how often changed suppliers are looked for, to judge them anew and to "
        "announce a change on rantai.readiness",
    )
    evaluation_quiet_seconds: Annotated[float, Field(ge=0)] = Field(
        default=10.0,
        description="a month end is frozen when nothing came about the supplier for so long",
    )
    evaluation_grace_hours: Annotated[float, Field(ge=0)] = Field(
        default=6.0,
        description="how long after a month end it is frozen at the earliest: nightly batches "
        "tell of the month's last day",
    )
    findings_seconds: Annotated[float, Field(gt=0)] = Field(
        default=600.0,
        description="how often it is noted which findings of data quality came and which were put "
        "right; less often where a look takes over a fiftieth of that",
    )
    fsync: bool = Field(
        default=True,
        description="whether an insert into the embedded ledger reaches the disk first",
    )
    metrics_suppliers: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=50, description="suppliers with metrics of their own: those most at risk"
    )
    metrics_named: OptionalText = Field(
        default=None,
        description="ids of suppliers that are among them whatever their risk, separated by commas",
    )
    metrics_groups: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50,
        description="clusters, regions, buyers, assessors and senders with labels of their own in "
        "metrics, each; the rest is added up under (other)",
    )
    reconcile_seconds: Annotated[float, Field(gt=0)] = Field(
        default=300.0,
        description="how often the exporter counts what was accepted against the ledger",
    )
    clickhouse_cluster: OptionalText = Field(
        default=None,
        description="name of the ClickHouse cluster that the store is spread over: tables are "
        "replicated and sharded by supplier",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from `RANTAI_*` variables. SettingsError names a wrong one."""
        known = {f"RANTAI_{name.upper()}": name for name in cls.model_fields}
        values = {known[key]: value for key, value in environment.items() if key in known}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            rows = [
                f"RANTAI_{str(row['loc'][0]).upper()}: {_said(row)}"
                for row in error.errors(include_input=False)
            ]
            raise SettingsError("; ".join(rows)) from None

    @property
    def keys_path(self) -> Path:
        """Where the API keys are."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def base_url(self) -> str:
        """What links begin with."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def as_table() -> str:
    """Return every setting as a Markdown table: variable, default, meaning. The README has it."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `RANTAI_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_table())
