"""Sends the events of forms through the gateway's intake, each once, and lists what was sent.

The number of a form is the id of its event. The ledger is asked whether it has that id, so that
neither a restart nor another process that serves the same pages sends a form twice.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from schemas.catalogue import Role
from schemas.validation import Sender
from services.assessment.awaited import FormReader
from services.kafka.topics import BrokerUnavailable
from services.scorecards.scorecard_api import run_query
from services.web.form_tokens import Form, FormFault, FormRefused
from services.web.forms.form_events import event, source_of
from services.web.site import Site

MOST_SHOWN: Final = 50
"""How many sent events a list shows: the newest."""

_MOST_SOURCES: Final = 10_000
_MOST_TRIED: Final = 10_000


class NotTaken(ValueError):
    """The intake refused an event. `errors`: its `pointer` and `message` for each fault."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(f"the intake refused the event: {errors}"[:500])
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that a partner sent from these pages. `counted`: the facts include it."""

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]
    counted: bool


class Sending:
    """Sends the events of forms, and remembers sent ones until the ledger has them."""

    def __init__(self, site: Site, awaiting: FormReader) -> None:
        self._site, self._awaiting = site, awaiting
        self._recent: OrderedDict[str, deque[Sent]] = OrderedDict()
        self._tried: OrderedDict[str, datetime] = OrderedDict()

    def moment(self, form: Form) -> datetime:
        """Return the time of a form's event: that of the first attempt, if the form failed before.

        A failed attempt may have arrived all the same. Sent again with another time, the event
        would conflict with it: other content under the same id.
        """
        return self._tried.get(form.number) or datetime.now(UTC)

    async def send(
        self, form: Form, event_type: str, data: dict[str, Any], sender: tuple[str, Role]
    ) -> None:
        """Send the event of a form. `sender`: partner id and role.

        Raises FormRefused if the form was sent before; NotTaken if the intake refuses the event;
        BrokerUnavailable if the event may not be stored: sending the same form again is safe.
        """
        partner, role = sender
        source = source_of(partner)
        async with self._site.forms.taking(form):
            if await run_query(lambda: self._awaiting.has(source, form.number)):
                raise FormRefused(FormFault.TWICE)
            at = self.moment(form)
            made = event(event_type, data, source, form.number, at)
            try:
                taken = await self._site.submit([made], Sender(partner, (role,)))
            except BrokerUnavailable:
                self._tried[form.number] = at
                _shorten(self._tried, _MOST_TRIED)
                raise
            if taken.rejected:
                raise NotTaken(taken.rejected[0]["errors"])
            self._site.forms.done(form)
            self._remember(source, Sent(form.number, event_type, at, data, False))

    async def sent(self, partner: str) -> list[Sent]:
        """Return the last events that a partner sent from these pages, newest first."""
        source = source_of(partner)
        stored = await run_query(lambda: self._awaiting.stored(source, MOST_SHOWN))
        known = {one.id for one in stored}
        found = [
            Sent(one.id, one.type, one.time, json.loads(one.data), one.counted) for one in stored
        ]
        found += [one for one in self._recent.get(source, ()) if one.id not in known]
        return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_SHOWN]

    def _remember(self, source: str, sent: Sent) -> None:
        recent = self._recent.setdefault(source, deque(maxlen=MOST_SHOWN))
        recent.append(sent)
        self._recent.move_to_end(source)
        _shorten(self._recent, _MOST_SOURCES)


def _shorten(kept: OrderedDict[str, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
