"""Structured logs: one JSON object a line on standard error, with stable event names.

A record's message is its event name; what belongs to it is passed as `extra`, under
`fields`. Payloads never go into a log; identifiers are those of devices and messages.
"""

import json
import logging
import sys
from datetime import UTC, datetime

Value = str | int | float | bool | None


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, its fields, and a traceback where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Value] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def event(logger: logging.Logger, level: int, name: str, **fields: Value) -> None:
    """Log event `name` with its fields."""
    logger.log(level, name, extra={"fields": fields})


def set_up(level: int = logging.INFO) -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
