"""The catalogues: the same keys in each language, the same values in each text, all used."""

import ast
import re
from pathlib import Path
from typing import TypeGuard

import pytest

from server.web.words import LANGUAGES, catalogue

SERVER = Path(__file__).parents[3] / "server"
COMPOSED = (
    "calm.",
    "lang.",
    "theme.",
    "kind.",
    "gap.",
    "alive.",
    "fault.",
    "cut.",
    "period.",
    "weekday.",
    "month.",
    "pattern.",
    "role.",
    "reach.",
    "refused.",
    "reason.",
    "against.",
    "amended.",
    "check.",
    "do.",
    "blind.",
    "clock.",
    "team.",
    "verdict.",
    "way.",
    "weekday_short.",
)


def used_keys() -> set[str]:
    keys: set[str] = set()
    for template in (SERVER / "templates").glob("*.html"):
        text = template.read_text("utf-8")
        keys |= set(re.findall(r"""["']([a-z]+\.[a-z0-9_]+)["']""", text))
    for node in ast.walk(ast.parse((SERVER / "web" / "words.py").read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            keys |= set(re.findall(r"^[a-z]+\.[a-z_]+$", node.value))
    return {key for key in keys if not key.endswith((".html", ".svg", ".css", ".js"))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_word_that_is_used(language: str) -> None:
    assert used_keys() - set(catalogue(language)) == set()


def test_no_word_is_left_over() -> None:
    known = {key for key in catalogue("en") if not key.startswith(COMPOSED)}
    assert known - used_keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_words_with_the_same_values(language: str) -> None:
    words, english = catalogue(language), catalogue("en")
    assert set(words) == set(english)
    for key, text in words.items():
        values = set(re.findall(r"{(\w+)}", text))
        assert values == set(re.findall(r"{(\w+)}", english[key])), key
        assert text.strip(), key


def test_chinese_is_chinese() -> None:
    same = {key for key, text in catalogue("zh").items() if text == catalogue("en")[key]}
    assert same <= {"app.name", "lang.en", "lang.zh", "period.shown_day", "time.days", "fleet.mb"}


PLACE_OF_REASON = {"RefusedError": 0, "IdentityError": 1, "AmendmentError": 1}


def reasons() -> set[str]:
    """Why something is refused, wherever the server says so."""
    found = set()
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = PLACE_OF_REASON.get(node.func.id, len(node.args))
                found |= {str(one.value) for one in node.args[place : place + 1] if _is_text(one)}
    return found


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_reason_has_its_words() -> None:
    known = reasons()
    assert {"name", "released_until", "kept_for_good"} <= known
    assert {one for one in known if f"refused.{one}" not in catalogue("en")} == set()
