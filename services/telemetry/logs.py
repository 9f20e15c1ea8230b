"""Structured logs: one JSON object a line with an event name, fields and, if there is one, a trace.

No field may hold a key, a secret, a link, or the contents of a document.
"""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

_FIELDS: Final = "rantai_fields"
_CLIENTS: Final = ("kafka", "aiokafka", "faust", "mode")
"""Libraries that log an error at each attempt to reconnect, many a second. An error that ends their
work also reaches the process part as an exception, and the part logs it."""


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
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
    """Write all logs of this process, and errors that end a thread, to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in (*_CLIENTS, "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.ERROR)
    threading.excepthook = _thread_failed


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    # Faust's threads end with an exception whenever their consumer failed or their broker is gone:
    # for threads of a client library that is only a warning.
    of_a_client = type(failed.thread).__module__.partition(".")[0] in _CLIENTS
    log(
        logging.getLogger("rantai.threads"),
        "thread_failed",
        level=logging.WARNING if of_a_client else logging.ERROR,
        thread=None if failed.thread is None else failed.thread.name,
        error=repr(failed.exc_value)[:500],
    )


def log(logger: logging.Logger, event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line with an event name, such as `part_restarts`, and its fields."""
    logger.log(level, event, extra={_FIELDS: fields})
