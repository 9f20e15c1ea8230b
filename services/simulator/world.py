"""The world as a whole: a year that was, and how it goes on from now.

Everything hangs on the seed and the calendar alone. A history loaded again tomorrow has the same
events under the same ids, and one day more.
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
_RETROACTIVE: Final = 0.006
_NEW_ORDER: Final = 0.13
"""Live: the share of events that begin a story. A story has about seven, so few pile up."""
_FEWEST_OPEN: Final = 20
_LONGEST_LIFE_DAYS: Final = 150
"""No order's story is longer; older ones need not be told again to find those that are open."""
_COACHING: Final = 0.004


def history(seed: int, until: datetime, days: int = 365) -> list[SimulatedEvent]:
    """Return what happened in the days before an instant, in the order of time.

    Orders whose life goes on after `until` are told up to it.
    """
    told = [
        (step.at, event_id, step)
        for event_id, step in _everything(seed, _first_day(until, days), until)
        if step.at < until
    ]
    told.sort(key=lambda row: row[:2])
    return [step.as_event(event_id) for _, event_id, step in told]


def live(
    seed: int, since: datetime, days: int = 365, clock: Callable[[], datetime] | None = None
) -> Iterator[SimulatedEvent]:
    """Yield, without end, what happens from an instant on, each event as if it happened now.

    `clock` says what now is when the next event is asked for; without one, an event takes a second.
    First the orders that are open at the end of `history` go on, then new ones join them. The new
    ones are call-offs for the same week: goods told to arrive a minute later are neither too early
    nor after their day. What is to come late waits for its real day.
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
            _, step = programme.coached(rng.choice(SUPPLIERS), now.astimezone(SITE), rng)
        elif open_stories.ready < _FEWEST_OPEN or chance(rng, _NEW_ORDER):
            step = open_stories.begin(_call_off_order(f"CO{seed}-{run}-{number}", now, rng))
        else:
            step = open_stories.go_on()
        yield step.as_event_now(f"live.{run}.{number}", now)


def _first_day(until: datetime, days: int) -> date:
    return until.astimezone(SITE).date() - timedelta(days=days)


def _everything(seed: int, first_day: date, until: datetime) -> Iterator[NamedStep]:
    last_day = until.astimezone(SITE).date()
    yield from programme.opening(seed, first_day)
    month = first_day.replace(day=1)
    while month <= last_day:
        for event_id, step in programme.month(seed, month):
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
                    yield f"{buyer_id}.{order_no}", _tell(story, _due_days(day, rng))


def _due_days(day: date, rng: Random) -> Sequence[date]:
    if chance(rng, _RETROACTIVE):
        return [day - timedelta(days=rng.randint(2, 6))]  # ordered in words, written down later
    due = workdays_after(day, rng.randint(6, 20))
    return [due, due, workdays_after(due, rng.randint(2, 6))]


def _tell(story: OrderStory, due_days: Sequence[date]) -> list[StoryStep]:
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
        # An order of later today is no story yet: live orders come by themselves.
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
    return _tell(open_story(_BUYER[buyer_id], supplier, order_no, placed_at, rng), due_days)


class _OpenStories:
    """The stories that go on: those whose next step may be told, and those that have to wait."""

    def __init__(self, stories: Iterator[list[StoryStep]], rng: Random) -> None:
        self._rng = rng
        self._ready: list[deque[StoryStep]] = []
        self._waiting: list[tuple[datetime, int, deque[StoryStep]]] = []
        self._entered = 0
        for story in stories:
            self._wait(deque(story))

    @property
    def ready(self) -> int:
        """How many can go on now."""
        return len(self._ready)

    def wake(self, now: datetime) -> None:
        """Let those go on that need wait no longer."""
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])

    def begin(self, steps: list[StoryStep]) -> StoryStep:
        """Take up a new story and return its first step."""
        return self._advance(deque(steps))

    def go_on(self) -> StoryStep:
        """Return the next step of some story that can go on; there must be one."""
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
            self._entered += 1  # so that two of the same instant never compare their steps
            heapq.heappush(self._waiting, (not_before, self._entered, story))
