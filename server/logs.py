"""Structured logs: one JSON object a line on standard error, with stable event names.

A record's message is its event name; what belongs to it is passed as `extra`, under `fields`.
Names and their meaning stand in docs/operations/logs.md. A library's record has the library's
logger as its event, and what it said as `text`.

Payloads never go into a log; identifiers are those of devices and messages. A foreign exception
may quote what it was working on (a database its row, a parser its input), so of those a
traceback has the lines of code and the type, and not the words.
"""

import faulthandler
import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from server.errors import ServerError

Value = str | int | float | bool | None
OURS: Final = "server"
STANDARD_ERROR: Final = 2
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the HTTP request that is being answered; it stands in each line that is logged meanwhile."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, its fields, and a traceback where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Value] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
        }
        if record.name.partition(".")[0] == OURS:
            line["event"] = record.getMessage()
        else:
            line |= {"event": record.name, "text": record.getMessage()}
        if (asked := request_id.get()) is not None:
            line["request_id"] = asked
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)

    def formatException(  # noqa: N802 logging's own name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Lines of code and types of an exception and its causes; words of ours alone."""
        told: list[str] = []
        seen: set[int] = set()
        error = ei[1]
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
            told.append("".join(frames) + _in_words(error))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\ncaused by:\n".join(told)


def _in_words(error: BaseException) -> str:
    """Type and, where it can hold nothing of a payload, text of an exception.

    >>> _in_words(ValueError("row: 17 visits")), _in_words(FileNotFoundError(2, "No such file"))
    ('ValueError', 'FileNotFoundError: [Errno 2] No such file')
    """
    name = type(error).__qualname__
    return f"{name}: {error}" if isinstance(error, ServerError | OSError) else name


def event(logger: logging.Logger, level: int, name: str, **fields: Value) -> None:
    """Log event `name` with its fields."""
    logger.log(level, name, extra={"fields": fields})


def set_up(level: int = logging.INFO) -> None:
    """Send every log of this process to standard error as JSON lines.

    At SIGABRT, or a crash, the lines of code that each thread is at go there, too, as plain text.
    """
    faulthandler.enable(STANDARD_ERROR)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
