"""The simulated world as a whole: the history of a year, and the live events that continue it.

Everything depends on the seed and the calendar alone. A history that is generated again tomorrow
has the same events under the same ids, and one day more.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from services.simulator import programme
from services.simulator.companies import BUYERS, SUPPLIERS
from services.simulator.deliveries import deliver
from services.simulator.programme import NamedStep
from services.simulator.quality import judge
from services.simulator.steps import SimulatedEvent, StoryStep
from services.simulator.story import OrderStory, call_off, change, confirm, open_story, place
from services.simulator.worktime import (
    SITE,
    chance,
    dice,
    is_workday,
    moment,
    workdays_after,
)

_BUYER: Final = {buyer.id: buyer for buyer in BUYERS}
_ORDERS_A_DAY: Final = 0.107
"""The probability that a buyer places an order with a supplier on a working day."""

_RETROACTIVE: Final = 0.006
"""The share of orders that are written after the date they request."""

_NEW_ORDER: Final = 0.13
"""Live: the share of events that begin a story. A story has about seven events, so that few open
stories pile up."""

_FEWEST_OPEN: Final = 20
"""Live: with fewer stories that can go on, the next event begins one."""

_LONGEST_LIFE_DAYS: Final = 150
"""No order's story is longer: only orders of this many days are generated to find the open ones."""

_COACHING: Final = 0.004
"""Live: the share of events that are coaching sessions."""


def history(seed: int, until: datetime, days: int = 365) -> list[SimulatedEvent]:
    """Return the events of the `days` days before an instant, ordered by time.

    Of orders that are open at `until`, only the events before it are returned.
    """
    rows = [
        (step.at, event_id, step)
        for event_id, step in _everything(seed, _first_day(until, days), until)
        if step.at < until
    ]
    rows.sort(key=lambda row: row[:2])
    return [step.as_event(event_id) for _, event_id, step in rows]


def live(
    seed: int, since: datetime, days: int = 365, clock: Callable[[], datetime] | None = None
) -> Iterator[SimulatedEvent]:
    """Yield, without end, the events that continue a history from `since` on, each as of now.

    `days`: of the history. `clock` returns the current time whenever an event is taken; without it,
    the events are one second apart.
    The orders that are open at the end of the history continue, and new ones join them. The new
    ones request dates within the week, so that goods that arrive a minute after the order are
    neither too early nor late. Steps that must come late wait for their real day.
    """
    rng = dice(seed, "live", since.isoformat())
    open_stories = _OpenStories(_unfinished(seed, since, days), rng)
    run = since.astimezone(SITE).strftime("%y%m%d%H%M%S")
    number = 0
    while True:
        number += 1
        now = clock() if clock is not None else since + timedelta(seconds=number)
        open_stories.wake(now)
        if chance(rng, _COACHING):
            _, step = programme.coaching_session(rng.choice(SUPPLIERS), now.astimezone(SITE), rng)
        elif open_stories.ready < _FEWEST_OPEN or chance(rng, _NEW_ORDER):
            step = open_stories.begin(_call_off_order(f"CO{seed}-{run}-{number}", now, rng))
        else:
            step = open_stories.go_on()
        yield step.as_event_now(f"live.{run}.{number}", now)


def _first_day(until: datetime, days: int) -> date:
    return until.astimezone(SITE).date() - timedelta(days=days)


def _everything(seed: int, first_day: date, until: datetime) -> Iterator[NamedStep]:
    last_day = until.astimezone(SITE).date()
    yield from programme.opening_events(seed, first_day)
    month = first_day.replace(day=1)
    while month <= last_day:
        for event_id, step in programme.month_events(seed, month):
            if step.at.date() >= first_day:
                yield event_id, step
        month = (month + timedelta(days=32)).replace(day=1)
    for story, steps in _orders(seed, first_day, last_day):
        for number, step in enumerate(steps, start=1):
            yield f"{story}.{number:02d}", step


def _orders(seed: int, first_day: date, last_day: date) -> Iterator[tuple[str, list[StoryStep]]]:
    for ordinal in range(first_day.toordinal(), last_day.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if not is_workday(day):
            continue
        for supplier in SUPPLIERS:
            for buyer_id in supplier.buyers:
                rng = dice(seed, buyer_id, supplier.id, ordinal)
                wanted = chance(rng, _ORDERS_A_DAY * supplier.activity)
                if wanted and programme.in_season(supplier, buyer_id, day):
                    order_no = f"PO{seed}-{day:%y%m%d}-{supplier.id.removeprefix('IKM-')}"
                    placed_at = moment(day, rng, 8, 15)
                    story = open_story(_BUYER[buyer_id], supplier, order_no, placed_at, rng)
                    yield f"{buyer_id}.{order_no}", _steps_of(story, _due_days(day, rng))


def _due_days(day: date, rng: Random) -> Sequence[date]:
    if chance(rng, _RETROACTIVE):
        return [day - timedelta(days=rng.randint(2, 6))]  # ordered by word of mouth, written later
    due = workdays_after(day, rng.randint(6, 20))
    return [due, due, workdays_after(due, rng.randint(2, 6))]


def _steps_of(story: OrderStory, due_days: Sequence[date]) -> list[StoryStep]:
    """Play an order's whole story and return its steps, ordered by time."""
    place(story, due_days)
    confirm(story)
    change(story)
    call_off(story)
    for receipt in deliver(story):
        judge(story, receipt)
    return sorted(story.steps, key=lambda step: step.at)


def _unfinished(seed: int, since: datetime, days: int) -> Iterator[list[StoryStep]]:
    last_day = since.astimezone(SITE).date()
    first_day = _first_day(since, min(days, _LONGEST_LIFE_DAYS))
    for _, steps in _orders(seed, first_day, last_day):
        # An order that would be placed only after `since` is skipped: live orders take its place.
        rest = [step for step in steps if step.at >= since]
        if rest and len(rest) < len(steps):
            yield rest


def _call_off_order(order_no: str, now: datetime, rng: Random) -> list[StoryStep]:
    placed_at = now.astimezone(SITE)
    today = placed_at.date()
    deals = [
        (supplier, buyer_id)
        for supplier in SUPPLIERS
        for buyer_id in supplier.buyers
        if programme.in_season(supplier, buyer_id, today)
    ]
    weights = [supplier.activity for supplier, _ in deals]
    supplier, buyer_id = rng.choices(deals, weights)[0]
    due_days = [today + timedelta(days=later) for later in (0, 0, 1, 3, 5)]
    return _steps_of(open_story(_BUYER[buyer_id], supplier, order_no, placed_at, rng), due_days)


class _OpenStories:
    """The open stories of a live run: those whose next step may be sent, and those that wait."""

    def __init__(self, stories: Iterator[list[StoryStep]], rng: Random) -> None:
        self._rng = rng
        self._ready: list[deque[StoryStep]] = []
        self._waiting: list[tuple[datetime, int, deque[StoryStep]]] = []
        self._entered = 0
        for story in stories:
            self._wait(deque(story))

    @property
    def ready(self) -> int:
        """How many stories may continue at once."""
        return len(self._ready)

    def wake(self, now: datetime) -> None:
        """Make the stories ready whose next step may be sent by `now`."""
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])

    def begin(self, steps: list[StoryStep]) -> StoryStep:
        """Add a new story and return its first step."""
        return self._advance(deque(steps))

    def go_on(self) -> StoryStep:
        """Return the next step of a random ready story; there must be one."""
        place = self._rng.randrange(len(self._ready))
        self._ready[place], self._ready[-1] = self._ready[-1], self._ready[place]
        return self._advance(self._ready.pop())

    def _advance(self, story: deque[StoryStep]) -> StoryStep:
        step = story.popleft()
        if story:
            self._wait(story)
        return step

    def _wait(self, story: deque[StoryStep]) -> None:
        not_before = story[0].not_before
        if not_before is None:
            self._ready.append(story)
        else:
            self._entered += 1  # breaks ties in the heap: steps can't be compared
            heapq.heappush(self._waiting, (not_before, self._entered, story))
