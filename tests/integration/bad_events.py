"""Valid and invalid events in each content mode, as text, so that they need not be valid JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
BINARY: Final = "application/json"
ONE_EVENT: Final = (STRUCTURED, BINARY)
MANY_EVENTS: Final = (BATCHED, LINES)
MODES: Final = (STRUCTURED, BATCHED, LINES, BINARY)

Request = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class Text:
    """An event: its attributes, and its data as text that is JSON or almost JSON."""

    attributes: dict[str, Any]
    data: str

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.attributes["id"])

    @property
    def json(self) -> str:
        """The event in structured mode."""
        return f'{json.dumps(self.attributes)[:-1]}, "data": {self.data}}}'


def order(number: str, supplier: str = "IKM-1", buyer: str = "AHM", **data: Any) -> Text:
    """Return a valid order of one line. Its id is the supplier and the number."""
    line = {"line_no": "10", "item_no": "A", "quantity": 5, "requested_date": "2026-03-10"}
    document = {"buyer_id": buyer, "supplier_id": supplier, "order_no": number, "lines": [line]}
    attributes = {
        "specversion": "1.0",
        "id": f"{supplier} {number}",
        "source": f"/erp/{buyer}/sap",
        "type": "id.rantai.order.placed.v1",
        "time": "2026-03-01T08:00:00+07:00",
    }
    return Text(attributes, json.dumps({**document, **data}))


def request(mode: str, *events: Text) -> Request:
    """Return the headers and the body of a request that carries events in a content mode."""
    if mode == BATCHED:
        return {"content-type": mode}, f"[{','.join(event.json for event in events)}]".encode()
    if mode == LINES:
        return {"content-type": mode}, "\n".join(event.json for event in events).encode()
    (event,) = events
    if mode == STRUCTURED:
        return {"content-type": mode}, event.json.encode()
    headers = {
        f"ce-{key}": quote(str(value), safe="/:+") for key, value in event.attributes.items()
    }
    return {**headers, "content-type": mode}, event.data.encode()


@dataclass(frozen=True)
class Bad:
    """A fault to put into a valid event, and the error that has to be reported for it.

    `attributes` replace those of the event, `replaced` (old, new) one piece of its data, and `data`
    all of its data. `pointer` is that of the expected error, `message` a part of its message.
    `forbidden`: the sender may not send this, so the answer is 403 and not 422.
    """

    name: str
    pointer: str
    message: str
    replaced: tuple[str, str] = ("", "")
    attributes: dict[str, Any] = field(default_factory=dict)
    data: str | None = None
    forbidden: bool = False

    def of(self, good: Text) -> Text:
        """Return an event with this fault."""
        old, new = self.replaced
        assert old in good.data
        data = good.data.replace(old, new, 1) if self.data is None else self.data
        return Text({**good.attributes, **self.attributes}, data)


def _quantity(name: str, text: str, message: str) -> Bad:
    return Bad(name, "/data/lines/0/quantity", message, ('"quantity": 5', f'"quantity": {text}'))


def _order_no(name: str, text: str, message: str) -> Bad:
    return Bad(name, "/data/order_no", message, ('"order_no": "', f'"order_no": "{text}'))


def _item(name: str, text: str, message: str) -> Bad:
    return Bad(name, "/data/lines/0/item_no", message, ('"A"', text))


def _line(name: str, pointer: str, message: str, replaced: tuple[str, str]) -> Bad:
    return Bad(name, f"/data/lines{pointer}", message, replaced)


_TWO_LINES = (
    '"lines": [',
    '"lines": [{"line_no": "10", "item_no": "B", "quantity": 1, "requested_date": "2026-03-10"}, ',
)

CASES: Final[Sequence[Bad]] = (
    _quantity("number-of-400-digits", "9" * 400, "18 digits"),
    _quantity("text-of-400-digits", f'"{"9" * 400}"', "18 digits"),
    _quantity("1e400", "1e400", "18 digits"),
    _quantity("endless-exponent", f"1e{'9' * 30}", "NaN, Infinity or an endless exponent"),
    _quantity("negative", "-1", "0 or more"),
    _quantity("seven-decimals", "0.0000001", "6 decimals"),
    _quantity("nan", "NaN", "NaN"),
    _quantity("minus-infinity", "-Infinity", "Infinity"),
    _quantity("boolean", "true", "must be a number or a decimal string"),
    _quantity("digits-of-another-script", '"\u0663"', "must be a number or a decimal string"),
    _line("31-february", "/0/requested_date", "a date that exists", ("2026-03-10", "2026-02-31")),
    _line("week-date", "/0/requested_date", "YYYY-MM-DD", ("2026-03-10", "2026-W10-2")),
    Bad("time-without-offset", "/time", "offset", attributes={"time": "2026-03-01T08:00:00"}),
    Bad("time-on-31-february", "/time", "day", attributes={"time": "2026-02-31T08:00:00Z"}),
    Bad(
        "duplicate-key", "/data/buyer_id", "appears twice",
        ('"buyer_id":', '"buyer_id": "X", "buyer_id":'),
    ),
    _line("duplicate-key-in-line", "/0/line_no", "twice", ('"line_no"', '"line_no": 1, "line_no"')),
    Bad("unknown-type", "/type", "known event type", attributes={"type": "id.rantai.order.v1"}),
    Bad("no-type", "/type", "known event type", attributes={"type": ""}),
    Bad("other-version", "/specversion", "1.0", attributes={"specversion": "0.3"}),
    _line("unknown-field", "/0/itemno", "not a field", ('"item_no"', '"itemno": "A", "item_no"')),
    _line("missing-field", "/0/item_no", "is required", ('"item_no": "A", ', "")),
    _line("no-lines", "", "must not be empty", ('"lines": [', '"lines": [], "x": [')),
    _line("line-number-twice", "", "appears twice", _TWO_LINES),
    _item("50-deep", "[" * 50 + "]" * 50, "a text, in quotes"),
    _item("an-object", '{"a": 1}', "a text, in quotes"),
    _order_no("newline", "4\\n", "printable"),
    _order_no("nul", "\\u0000", "printable"),
    _order_no("lone-surrogate", "\\ud800", "surrogate"),
    _order_no("line-separator", "4\\u2028", "printable"),
    _order_no("long-number", "x" * 64, "at most 64"),
    Bad("nul-in-text", "/data/partnership", "NUL", ("{", '{"partnership": "a\\u0000b", ')),
    Bad("space-in-partner", "/data/buyer_id", "A-Z a-z 0-9", ('"AHM"', '"A HM"')),
    Bad("data-is-null", "/data", "must be an object", data="null"),
    Bad("data-is-a-list", "/data", "must be an object", data="[1]"),
    Bad("data-is-a-number", "/data", "NaN", data="NaN"),
    Bad("long-id", "/id", "at most 512", attributes={"id": "x" * 513}),
    Bad("newline-in-id", "/id", "control characters", attributes={"id": "a\nb"}),
    Bad("no-sender-in-source", "/source", "/erp/<partner id>", attributes={"source": "urn:sap"}),
    Bad("source-of-another", "/source", "your own: /erp/AHM/", forbidden=True,
        attributes={"source": "/erp/TMMIN/sap"}),
    Bad("buyer-of-another", "/type", "may not be sent", ('"AHM"', '"TMMIN"'), forbidden=True),
)  # fmt: skip
