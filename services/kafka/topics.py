"""The topics: their partitions, retention and compaction, and how they are created.

A record's timestamp is its time of acceptance, set by the broker. If it were the event's own time,
retention would delete backdated events as they arrive.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.catalogue import (
    CANONICAL_TOPICS,
    INBOUND_PREFIX,
    READINESS,
    REJECTED,
    inbound_topic,
)

_DAY_MS: Final = 24 * 3600 * 1000
MAX_RECORD_BYTES: Final = 4 * 1024 * 1024


class BrokerUnavailable(RuntimeError):
    """The broker can't be reached, does not answer in time, or is not installed."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The declaration of a topic.

    `retention_days` None = its records are kept for ever. `further`: settings that replace or
    extend those of `configs`.
    """

    name: str
    retention_days: int | None = None
    compacted: bool = False
    single_partition: bool = False
    further: dict[str, str] = field(default_factory=dict)

    def configs(self, replication: int) -> dict[str, str]:
        """Return the topic's settings on the broker."""
        retention = -1 if self.retention_days is None else self.retention_days * _DAY_MS
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(retention),
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(MAX_RECORD_BYTES),
            "min.insync.replicas": str(2 if replication >= 3 else 1),
            **self.further,
        }


CANONICAL_RETENTION_DAYS: Final = 90
"""Long enough to reconcile a quarter; the ledger keeps events forever."""

TOPICS: Final = (
    *(Topic(name, CANONICAL_RETENTION_DAYS) for name in CANONICAL_TOPICS),
    Topic(REJECTED, 365, single_partition=True),
    Topic(READINESS, compacted=True),
)


def inbound_declaration(partner: str, *, single: bool = False) -> Topic:
    """Return the declaration of a partner's inbound topic, with one partition if `single`."""
    return Topic(inbound_topic(partner), CANONICAL_RETENTION_DAYS, single_partition=single)


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did to a topic. `change`: `created`, `changed` (its settings) or `unchanged`."""

    name: str
    change: str


def connect(bootstrap: str) -> KafkaAdminClient:
    """Open an administration client. Raises BrokerUnavailable."""
    try:
        return KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","),
            request_timeout_ms=10_000,
            # A readiness probe does not wait for the client's default of 30 s.
            bootstrap_timeout_ms=5_000,
        )
    except KafkaError as error:
        raise BrokerUnavailable(f"no broker at {bootstrap}: {error!r}") from error


def apply(
    bootstrap: str,
    *,
    partners: Iterable[str] = (),
    partitions: int,
    replication: int,
    single_inbound: bool = False,
) -> list[Applied]:
    """Create the missing topics, and correct the settings of the others where they differ.

    `partners` get an inbound topic each. `single_inbound`: inbound topics have one partition, for a
    broker with a single reading process: every partition adds to the cost of each fetch, and there
    are as many topics as senders. The partitions of an existing topic are never changed, because
    the order of a supplier's events depends on them. Raises BrokerUnavailable.
    """
    wanted = [
        *TOPICS,
        *(inbound_declaration(partner, single=single_inbound) for partner in partners),
    ]
    admin = connect(bootstrap)
    try:
        there = set(admin.list_topics())
        return [_apply_one(admin, topic, there, partitions, replication) for topic in wanted]
    except KafkaError as error:
        raise BrokerUnavailable(f"topics could not be applied: {error!r}") from error
    finally:
        admin.close()


def _apply_one(
    admin: KafkaAdminClient, topic: Topic, there: set[str], partitions: int, replication: int
) -> Applied:
    configs = topic.configs(replication)
    if topic.name not in there:
        new = NewTopic(
            name=topic.name,
            num_partitions=1 if topic.single_partition else partitions,
            replication_factor=replication,
            topic_configs=configs,
        )
        try:
            answer = admin.create_topics([new])
            code = answer["topics"][0]["error_code"]
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)
        except TopicAlreadyExistsError:
            return Applied(topic.name, "unchanged")
        return Applied(topic.name, "created")
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    # Without "all" only settings that were modified are reported: none of a topic that somebody
    # created by hand with defaults.
    answer = admin.describe_configs([resource], config_filter="all")
    described = answer.get("topic", {}).get(topic.name, {})
    # A broker that reports no settings (the embedded one) can't change them either.
    differing = {
        name: value
        for name, value in configs.items()
        if described and _setting(described.get(name)) != value
    }
    if not differing:
        return Applied(topic.name, "unchanged")
    altered = admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=configs)]
    )
    # The client raises no error for a setting that the broker refuses.
    outcome = altered.get("topic", {}).get(topic.name, "no answer")
    if outcome != "OK":
        raise BrokerUnavailable(f"the settings of {topic.name} could not be changed: {outcome}")
    return Applied(topic.name, "changed")


def _setting(described: object) -> str | None:
    if isinstance(described, dict):
        value = described.get("value")
        return None if value is None else str(value)
    return None if described is None else str(described)


def inbound_partitions(bootstrap: str) -> dict[str, int]:
    """Return the number of partitions of each inbound topic on the broker, by topic name.

    Raises BrokerUnavailable. Blocks.
    """
    admin = connect(bootstrap)
    try:
        names = sorted(name for name in admin.list_topics() if name.startswith(INBOUND_PREFIX))
        if not names:
            return {}
        return {one["name"]: len(one["partitions"]) for one in admin.describe_topics(names)}
    except KafkaError as error:
        raise BrokerUnavailable(f"topics could not be listed: {error!r}") from error
    finally:
        admin.close()


def check_reachable(bootstrap: str) -> None:
    """Check that the broker answers. Raises BrokerUnavailable. Blocks."""
    admin = connect(bootstrap)
    try:
        admin.list_topics()
    except KafkaError as error:
        raise BrokerUnavailable(f"the broker at {bootstrap} does not answer: {error!r}") from error
    finally:
        admin.close()
