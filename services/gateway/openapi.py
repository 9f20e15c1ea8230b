"""The OpenAPI description of `POST /v1/events` that FastAPI can't derive: bodies and examples."""

import json
from http import HTTPStatus
from typing import Any, Final

_TEXT: Final = {"type": "string"}
_RETRY: Final = {"Retry-After": "seconds to wait"}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
}
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
        "lines": [{"order_no": "4500012345", "line_no": "10", "quantity": 500, "uom": "PCS"}],
    },
}
_FORBIDDEN: Final = {
    "accepted": 0,
    "rejected": [
        {
            "index": 0,
            "id": "4500012345-1",
            "errors": [
                {"pointer": "/source", "message": "must be a source of your own: /erp/TMMIN/..."}
            ],
        }
    ],
}
_ONE_REJECTED: Final = {
    "accepted": 0,
    "rejected": [
        {
            "index": 0,
            "id": "4500012345-1",
            "errors": [
                {"pointer": "/data/lines/0/quantity", "message": "must be 0 or more"},
            ],
        }
    ],
}


def _answer(description: str, example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"example": example}}
    return {"description": description, "content": content}


def _problem(
    status: int, detail: str, description: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    example = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    content = {"application/problem+json": {"schema": _PROBLEM, "example": example}}
    shown = {name: {"description": text, "schema": _TEXT} for name, text in (headers or {}).items()}
    return {"description": description, "content": content, "headers": shown}


def _attribute(name: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": f"ce-{name}",
        "required": False,
        "description": "binary mode only; percent-encoded (CloudEvents HTTP binding)",
        "schema": _TEXT,
        "example": _ORDER[name],
    }


EVENTS_OPERATION: Final[dict[str, Any]] = {
    "security": [{"key": []}],
    "parameters": [_attribute(name) for name in ("specversion", "id", "source", "type", "time")],
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
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "one event per line"},
                "example": f"{json.dumps(_ORDER)}\n{json.dumps(_RECEIPT)}\n",
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "binary mode: the data; the attributes are in ce-* headers",
                },
                "example": _ORDER["data"],
            },
        },
    },
    "responses": {
        "202": _answer(
            "Every accepted event is safe; rejected ones are listed. An empty batch has neither.",
            {"accepted": 1, "rejected": []},
        ),
        "400": _problem(
            400, "the body is not UTF-8: byte 17 is wrong", "Not JSON, not UTF-8, or empty."
        ),
        "401": _problem(
            401,
            "send a valid key: 'Authorization: Bearer rtk_...'; it may be mistyped or revoked",
            "No key, or one that is unknown or revoked.",
            {"WWW-Authenticate": "how to send a key"},
        ),
        "403": _answer("The key may not send these events; nothing is stored.", _FORBIDDEN),
        "408": _problem(408, "the body took longer than 60 s", "The body took too long."),
        "413": _problem(
            413,
            "the body is larger than 10485760 bytes; send several requests",
            "The body is too large, or has too many events.",
        ),
        "415": _problem(
            415,
            "content type 'text/csv' is not one of: application/cloudevents+json, ...",
            "The content type or content encoding is not supported.",
        ),
        "422": _answer("Events were sent, and none was accepted.", _ONE_REJECTED),
        "429": _problem(
            429,
            "more than 32 requests of this key are under way; wait for answers before sending more",
            "Too many requests at once, or too many bytes in memory; send it again later.",
            _RETRY,
        ),
        "503": _problem(
            503,
            "the events could not be confirmed as stored; send them again, duplicates are ignored",
            "The broker or the ledger is unavailable. Sending again is safe.",
            _RETRY,
        ),
    },
}
