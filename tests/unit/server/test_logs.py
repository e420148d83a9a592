"""The log: JSON lines, stable event names that are documented, and no words of a payload."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from server.errors import DatabaseError
from server.ingest.link import LinkState
from server.logs import JsonLines, event, request_id
from server.schema.identity import device_owner

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations" / "logs.md"
BY_STATE = "f'broker.{state.value}'"


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What `server.test` logs, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    names = ("server.test", "library.part")
    for name in names:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    yield stream
    for name in names:
        logging.getLogger(name).removeHandler(handler)


def line(said: io.StringIO) -> dict[str, object]:
    found: dict[str, object] = json.loads(said.getvalue().splitlines()[-1])
    return found


log = logging.getLogger("server.test")


def logged() -> set[str]:
    """Every event name in the code; any that is not a constant by its source."""
    found: set[str] = set()
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            match node.func:
                case ast.Name(id="event"):
                    name = node.args[2]
                case ast.Attribute(value=ast.Name(id="log")):
                    name = node.args[0]
                case _:
                    continue
            found.add(str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name))
    return found


def test_every_event_is_documented_and_every_documented_one_is_logged() -> None:
    names = logged()
    assert BY_STATE in names
    names = (names - {BY_STATE}) | {f"broker.{state.value}" for state in LinkState}
    documented = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(names)
    assert len(names) > 25


def test_a_line_has_time_level_event_and_fields(said: io.StringIO) -> None:
    event(log, logging.WARNING, "thing.happened", device="kiosk-1", count=3)
    found = line(said)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(found.pop("at")))
    assert found == {
        "level": "warning",
        "event": "thing.happened",
        "device": "kiosk-1",
        "count": 3,
    }


def test_lines_of_a_request_have_its_id(said: io.StringIO) -> None:
    token = request_id.set("3f9c")
    event(log, logging.INFO, "thing.happened")
    request_id.reset(token)
    assert line(said)["request_id"] == "3f9c"
    event(log, logging.INFO, "thing.happened")
    assert "request_id" not in line(said)


def test_a_librarys_words_are_no_event(said: io.StringIO) -> None:
    logging.getLogger("library.part").info("Started process %d", 17)
    assert (line(said)["event"], line(said)["text"]) == ("library.part", "Started process 17")


def test_a_row_that_a_database_refused_is_not_in_the_log(said: io.StringIO, either: Engine) -> None:
    row = {"device": "kiosk-of-nobody", "org_id": None}
    with pytest.raises(IntegrityError, match="kiosk-of-nobody") as caught, either.begin() as begun:
        begun.execute(insert(device_owner), row)
    log.error("thing.failed", exc_info=caught.value)
    trace = str(line(said)["traceback"])
    assert "kiosk-of-nobody" not in said.getvalue()
    assert "test_logs.py" in trace
    assert "IntegrityError" in trace
    assert "caused by:" in trace


class _Counted(BaseModel):
    visits: int


def test_an_input_that_a_parser_refused_is_not_in_the_log(said: io.StringIO) -> None:
    came = {"visits": "seventeen"}
    with pytest.raises(ValidationError, match="seventeen") as caught:
        _Counted.model_validate(came)
    log.error("thing.failed", exc_info=caught.value)
    assert "seventeen" not in said.getvalue()
    assert str(line(said)["traceback"]).endswith("ValidationError")


def test_words_of_ours_and_of_the_operating_system_stay(said: io.StringIO) -> None:
    for error in (
        DatabaseError("--database: expected a URL"),
        FileNotFoundError(2, "No such file"),
    ):
        try:
            raise error
        except (DatabaseError, OSError):
            log.exception("thing.failed")
        assert str(error) in str(line(said)["traceback"])
