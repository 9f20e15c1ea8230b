"""Structured logs: one JSON object a line, an event name, fields, the trace id where there is one.

No field may hold a key, a secret or a link; document contents stay out as well.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

_FIELDS: Final = "rantai_fields"


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, _FIELDS, {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = repr(record.exc_info[1])[:500]
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These tell of every reconnect and poll; their warnings are enough.
    for name in ("kafka", "aiokafka", "faust", "mode", "httpx", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.ERROR if name != "uvicorn.access" else 50)


def log(logger: logging.Logger, event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line: what happened, and its fields."""
    logger.log(level, event, extra={_FIELDS: fields})
