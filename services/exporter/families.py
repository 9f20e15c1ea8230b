"""Turns one look into the store into metric families, as `telemetry.series` declares them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import localcontext
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily

from services.assessment.watched import StoreLookResult, Watched, WatchedStanding
from services.exporter.bounds import Bounds, Labels, most_at_risk, newest_by_label
from services.readiness.kpis import COUNTS
from services.readiness.policy_parts import LETTERS
from services.readiness.stage import STAGES
from services.readiness.summary import Summary
from services.readiness.sums import EXACT
from services.telemetry import series
from services.telemetry.series import Series

_EXPIRING_DAYS = 30
_UNPUBLISHED = "none"
_REASONS = frozenset({"invalid", "forbidden", "conflict", "store"})

Groups = Mapping[str, Sequence[Watched]]


def families(looked: StoreLookResult, bounds: Bounds, zone: str) -> list[GaugeMetricFamily]:
    """Return every metric family that comes from the store. Called by `looks.StoreLook`.

    `zone`: the time zone in which the last day of a certificate ends.
    """
    suppliers = looked.suppliers
    by_cluster = _grouped(suppliers, lambda one: (one.cluster,), bounds.groups)
    by_region = _grouped(suppliers, lambda one: (one.region,), bounds.groups)
    by_buyer = _grouped(suppliers, lambda one: one.buyers, bounds.groups)
    assessors = Labels(
        (name for one in _standings(suppliers) for name in one.at.stages), bounds.groups
    )
    few = most_at_risk(suppliers, bounds)
    return [
        _grades(series.CLUSTER_GRADES, by_cluster),
        _grades(series.REGION_GRADES, by_region),
        _grades(series.BUYER_GRADES, by_buyer),
        _stages(series.CLUSTER_STAGES, by_cluster, assessors),
        _stages(series.REGION_STAGES, by_region, assessors),
        _stages(series.BUYER_STAGES, by_buyer, assessors),
        _moves(by_cluster),
        *_cluster_figures(by_cluster),
        _cluster_loads(by_cluster),
        *_cluster_certificates(by_cluster, looked.today),
        *_of_suppliers(few, zone, looked.today),
        *_of_store(looked, bounds),
    ]


def _grouped(
    suppliers: Sequence[Watched], names: Callable[[Watched], Sequence[str]], most: int
) -> Groups:
    labels = Labels((name for one in suppliers for name in names(one)), most)
    found: dict[str, list[Watched]] = {}
    for one in suppliers:
        # A supplier of two buyers that share a label counts once under it.
        for label in {labels.of(name) for name in names(one)}:
            found.setdefault(label, []).append(one)
    return dict(sorted(found.items()))


def _standings(suppliers: Iterable[Watched]) -> Iterable[WatchedStanding]:
    return (one.standing for one in suppliers if one.standing is not None)


def _grades(declared: Series, groups: Groups) -> GaugeMetricFamily:
    family = declared.family()
    for label, members in groups.items():
        found = Counter(one.standing.at.published if one.standing else None for one in members)
        for letter in LETTERS:
            family.add_metric([label, letter], found[letter])
        family.add_metric([label, _UNPUBLISHED], found[None])
    return family


def _stages(declared: Series, groups: Groups, assessors: Labels) -> GaugeMetricFamily:
    family = declared.family()
    for label, members in groups.items():
        found: dict[str, Counter[str]] = {}
        for one in _standings(members):
            for assessor, stage in one.at.stages.items():
                found.setdefault(assessors.of(assessor), Counter())[stage] += 1
        for assessor, counts in sorted(found.items()):
            for stage in STAGES:
                family.add_metric([label, assessor, stage], counts[stage])
    return family


def _moves(groups: Groups) -> GaugeMetricFamily:
    family = series.CLUSTER_MOVES.family()
    for label, members in groups.items():
        moves = Counter(
            (one.before or _UNPUBLISHED, one.at.published or _UNPUBLISHED)
            for one in _standings(members)
            if one.compared and one.before != one.at.published
        )
        for (before, now), count in sorted(moves.items()):
            family.add_metric([label, before, now], count)
    return family


def _cluster_figures(groups: Groups) -> list[GaugeMetricFamily]:
    above, below = series.CLUSTER_NUMERATOR.family(), series.CLUSTER_DENOMINATOR.family()
    cases = series.CLUSTER_CASES.family()
    for label, members in groups.items():
        summaries = [one.at for one in _standings(members)]
        for key, (numerator, denominator) in _added(summaries).items():
            above.add_metric([label, key], numerator)
            below.add_metric([label, key], denominator)
        for key in COUNTS:
            cases.add_metric([label, key], sum(one.counts[key] for one in summaries))
    return [above, below, cases]


def _added(summaries: Sequence[Summary]) -> dict[str, tuple[float, float]]:
    """Return the summed numerator and denominator by figure, added exactly and rounded once."""
    keys = summaries[0].ratios if summaries else ()
    with localcontext(EXACT):
        return {
            key: (
                float(sum(one.ratios[key][0] for one in summaries)),
                float(sum(one.ratios[key][1] for one in summaries)),
            )
            for key in keys
        }


def _cluster_loads(groups: Groups) -> GaugeMetricFamily:
    family = series.CLUSTER_LOAD.family()
    for label, members in groups.items():
        loads = [one.load for one in _standings(members) if one.load is not None]
        if loads:
            family.add_metric([label], max(loads))
    return family


def _cluster_certificates(groups: Groups, today: date) -> list[GaugeMetricFamily]:
    expiring, expired = series.CLUSTER_EXPIRING.family(), series.CLUSTER_EXPIRED.family()
    for label, members in groups.items():
        left = [(end - today).days for one in members for end in one.certificates.values()]
        expiring.add_metric([label], sum(0 <= days <= _EXPIRING_DAYS for days in left))
        expired.add_metric([label], sum(days < 0 for days in left))
    return [expiring, expired]


def _of_suppliers(few: Sequence[Watched], zone: str, today: date) -> list[GaugeMetricFamily]:
    standing, score = series.SUPPLIER_STANDING.family(), series.SUPPLIER_SCORE.family()
    above, below = series.SUPPLIER_NUMERATOR.family(), series.SUPPLIER_DENOMINATOR.family()
    cases, load = series.SUPPLIER_CASES.family(), series.SUPPLIER_LOAD.family()
    ends = series.SUPPLIER_CERTIFICATE.family()
    for one in few:
        name, found = one.supplier_id, one.standing
        assert found is not None  # noqa: S101 - `most_at_risk` drops those without one
        grades = (found.at.grade, found.at.published, found.before)
        letters = [grade or _UNPUBLISHED for grade in grades]
        standing.add_metric([name, one.cluster or series.NONE, *letters], 1)
        if found.at.value is not None:
            score.add_metric([name], found.at.value)
        for key, (numerator, denominator) in found.at.ratios.items():
            above.add_metric([name, key], float(numerator))
            below.add_metric([name, key], float(denominator))
        for key in COUNTS:
            cases.add_metric([name, key], found.at.counts[key])
        if found.load is not None:
            load.add_metric([name], found.load)
        certificate = _next_end(one.certificates, today)
        if certificate is not None:
            ends.add_metric([name, certificate], _end_of(one.certificates[certificate], zone))
    return [standing, score, above, below, cases, load, ends]


def _next_end(certificates: Mapping[str, date], today: date) -> str | None:
    """Return the certificate that ends next; if all have ended, the one that ended last."""
    coming = [name for name, end in certificates.items() if end >= today]
    if coming:
        return min(coming, key=lambda name: (certificates[name], name))
    return max(certificates, key=lambda name: (certificates[name], name), default=None)


def _end_of(day: date, zone: str) -> float:
    # 9999-12-31 stands for "no end", and no day follows it.
    after = day + timedelta(days=1) if day < date.max else day
    return datetime.combine(after, time(), ZoneInfo(zone)).astimezone(UTC).timestamp()


def _of_store(looked: StoreLookResult, bounds: Bounds) -> list[GaugeMetricFamily]:
    senders, rejections = series.SENDER_NEWEST.family(), series.OPEN_REJECTIONS.family()
    newest = {name: at.timestamp() for name, at in looked.senders.items()}
    for label, at in newest_by_label(newest, looked.suppliers, bounds.groups).items():
        senders.add_metric([label], at)
    # Reasons without a refusal too, so that 0 can be told from unknown.
    for reason in sorted(_REASONS | looked.rejections.keys()):
        rejections.add_metric([reason], looked.rejections.get(reason, 0))
    size = looked.size
    single: dict[Series, float] = {
        series.LEDGER_EVENTS: size.events,
        series.STORE_BYTES: size.bytes,
        series.STORE_MEMORY: size.memory,
        series.STORE_FREE: size.free,
        series.STORE_TOTAL: size.total,
    }
    if newest:
        single[series.NEWEST_STORED] = max(newest.values())
    return [senders, rejections, *(unlabelled_family(one, value) for one, value in single.items())]


def unlabelled_family(declared: Series, value: float) -> GaugeMetricFamily:
    """Return the family of a series without labels, with its value."""
    family = declared.family()
    family.add_metric([], value)
    return family
