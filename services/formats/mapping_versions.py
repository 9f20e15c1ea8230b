"""Check that a mapping tells versions of a document apart, and makes whole documents of orders.

A mapping that does not would have every event accepted and the figures wrong, so it is refused when
it is read. `mapping_checks` calls this.
"""

from collections.abc import Iterator
from typing import Final

from services.formats.columns import placeholders
from services.formats.document_fields import fields_of, sources_of
from services.formats.mapping import EventTemplate, FileMapping

_WHOLE_ORDER: Final = "id.rantai.order.placed.v1"
_CHANCE: Final = (
    "of two versions of one document the one with the later 'time' stands, and at the same time "
    "the one with the higher id, which with {digest} is chance"
)


def version_problems(mapping: FileMapping, event: EventTemplate) -> Iterator[str]:
    """Yield the problems of an event template in which `mapping_checks` found nothing else."""
    yield from _digest_problems(mapping, event)
    if event.type == _WHOLE_ORDER:
        yield from _order_problems(event)


def _digest_problems(mapping: FileMapping, event: EventTemplate) -> Iterator[str]:
    if "digest" not in placeholders(event.id):
        return
    if event.time in mapping.constants:
        yield f"time: is a constant, and the id has {{digest}}: {_CHANCE}"
        return
    own = set(sources_of(mapping, event.time))
    for field in fields_of(event):
        shared = own.intersection(sources_of(mapping, field.value))
        if field.is_moment and shared:
            yield (
                f"time: comes from {min(shared)!r}, as data.{'.'.join(field.path)} does, and stays "
                f"the same when the document is corrected, but the id has {{digest}}: {_CHANCE}. "
                "Take the column that says when the row was last changed, or leave {digest} out"
            )
            return
    if event.time_across_rows != "latest":
        yield (
            f"id: has {{digest}}, so a corrected row is a new version: {_CHANCE}. If "
            f"{event.time!r} is when the row was last changed, set "
            'time_across_rows = "latest"; if it stays the same on a change, leave {digest} out'
        )


def _order_problems(event: EventTemplate) -> Iterator[str]:
    of_lines = {field.value for field in fields_of(event) if field.path[0] == "lines"}
    of_head = {field.value for field in fields_of(event) if field.path[0] != "lines"}
    if not event.group_by:
        yield (
            "group_by: is missing, so each row would be an order of its own, and order.placed is "
            "the whole order: a line that a later one does not name is called off. Name the value "
            'that the rows of one order share: group_by = ["order_no"]'
        )
    for name in event.group_by:
        if name in of_lines - of_head:
            yield (
                f"group_by: {name!r} differs between the lines of one order, and order.placed is "
                "the whole order: a line that a later one does not name is called off"
            )
