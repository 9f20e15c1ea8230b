"""The part of the OpenAPI document that FastAPI can't know: bodies in four modes, and answers."""

from typing import Any, Final

_ORDER: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "4500012345-1",
    "source": "/erp/AHM/sap-prd",
    "type": "id.rantai.order.placed.v1",
    "time": "2026-11-01T08:30:00+07:00",
    "data": {
        "buyer_id": "AHM",
        "supplier_id": "IKM-CPR-01",
        "order_no": "4500012345",
        "lines": [
            {
                "line_no": "10",
                "item_no": "BRKT-0042",
                "quantity": 500,
                "uom": "PCS",
                "unit_price": "12500",
                "requested_date": "2026-11-20",
            }
        ],
    },
}
_RECEIPT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "GR-5000001",
    "source": "/erp/AHM/sap-prd",
    "type": "id.rantai.delivery.received.v1",
    "time": "2026-11-19T10:05:00+07:00",
    "data": {
        "buyer_id": "AHM",
        "supplier_id": "IKM-CPR-01",
        "receipt_no": "5000001",
        "received_at": "2026-11-19T09:40:00+07:00",
        "lines": [{"order_no": "4500012345", "line_no": "10", "quantity": 500}],
    },
}
_OUTCOME: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "id", "errors"],
                "properties": {
                    "index": {"type": "integer", "description": "place in the request, from 0"},
                    "id": {"type": ["string", "null"]},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["pointer", "message"],
                            "properties": {
                                "pointer": {"type": "string", "format": "json-pointer"},
                                "message": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    },
}
_ONE_REJECTED: Final = {
    "accepted": 0,
    "rejected": [
        {
            "index": 0,
            "id": "4500012345-1",
            "errors": [
                {
                    "pointer": "/data/lines/0/quantity",
                    "message": "Input should be greater than or equal to 0",
                }
            ],
        }
    ],
}


def _answer(description: str, example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": _OUTCOME, "example": example}}
    return {"description": description, "content": content}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {}}}


EVENTS_OPERATION: Final[dict[str, Any]] = {
    "security": [{"key": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {
                "schema": {"type": "object"},
                "examples": {"order": {"value": _ORDER}, "receipt": {"value": _RECEIPT}},
            },
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "items": {"type": "object"}},
                "example": [_ORDER, _RECEIPT],
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/json": {
                "schema": {"type": "object"},
                "example": _ORDER["data"],
                "description": "binary mode: the attributes are in ce-* headers",
            },
        },
    },
    "responses": {
        "202": _answer(
            "Every accepted event is safe; the others are named.", {"accepted": 1, "rejected": []}
        ),
        "400": _problem("Not parseable: not JSON, not UTF-8, empty."),
        "401": _problem("No key, or one that is unknown or revoked."),
        "403": _answer("The key may not send these events; nothing is stored.", _ONE_REJECTED),
        "408": _problem("The body took too long to arrive."),
        "413": _problem("Body or number of events past the limit."),
        "415": _problem("A content type that events do not come in."),
        "422": _answer("No event was accepted.", _ONE_REJECTED),
        "429": _problem("Too many requests of this key at once; see Retry-After."),
        "503": _problem("Broker or ledger away; see Retry-After. Sending again is safe."),
    },
}
