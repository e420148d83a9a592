"""Lines of keys: tables of documents, and random documents against the standard parser."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_cfg.locate import Path, key_lines, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES: dict[str, tuple[str, dict[Path, int]]] = {
    "dotted keys are tables": (
        "a.b.c = 1\na.b.d = 2\n",
        {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "b", "d"): 2},
    ),
    "a header counts more than an earlier mention": (
        "[a.b]\nx = 1\n[a]\ny = 2\n",
        {("a",): 3, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 4},
    ),
    "arrays of tables, with tables inside": (
        "[[q]]\nid = 1\n[q.s]\nx = 1\n\n[[q]]\nid = 2\n[[q.t]]\ny = 1\n",
        {
            ("q",): 1,
            ("q", 0): 1,
            ("q", 0, "id"): 2,
            ("q", 0, "s"): 3,
            ("q", 0, "s", "x"): 4,
            ("q", 1): 6,
            ("q", 1, "id"): 7,
            ("q", 1, "t"): 8,
            ("q", 1, "t", 0): 8,
            ("q", 1, "t", 0, "y"): 9,
        },
    ),
    "arrays over several lines, with comments": (
        "a = [ # [[\n  [1, 2], # ]\n\n  [3,\n4], ]\nb = 1",
        {
            ("a",): 1,
            ("a", 0): 2,
            ("a", 0, 0): 2,
            ("a", 0, 1): 2,
            ("a", 1): 4,
            ("a", 1, 0): 4,
            ("a", 1, 1): 5,
            ("b",): 6,
        },
    ),
    "inline tables": (
        'o = { mon = ["a", "b"], "t u" = {} }\n',
        {
            ("o",): 1,
            ("o", "mon"): 1,
            ("o", "mon", 0): 1,
            ("o", "mon", 1): 1,
            ("o", "t u"): 1,
        },
    ),
    "strings that look like structure": (
        'a = \'\'\'\n[x]\ny = 1\'\'\'\nb = """q\\"""\n"""""\nc = \'x # y\' # z\nd = "]\\""\n',
        {("a",): 1, ("b",): 4, ("c",): 6, ("d",): 7},
    ),
    "quoted keys, spaces around dots, dates": (
        "'a b' . \"\\u0063\" = 1979-05-27 07:32:00 # d\n[ 'x.y' ]\n",
        {("a b",): 1, ("a b", "c"): 1, ("x.y",): 2},
    ),
    "line ends of two characters": (
        "a = 1\r\n[b]\r\nc = [\r\n1]\r\n",
        {
            ("a",): 1,
            ("b",): 2,
            ("b", "c"): 3,
            ("b", "c", 0): 4,
        },
    ),
    "nothing": ("# only a comment", {}),
}


@pytest.mark.parametrize("name", TABLES)
def test_lines(name: str) -> None:
    text, expected = TABLES[name]
    tomllib.loads(text)
    assert key_lines(text) == expected


SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        "nan",
        "2027-01-01",
        "07:32:00",
        '"a # ] } = \\" b"',
        "'c [ { , \\'",
        '"""x\ny = [1]\n"""',
        "'''\n[t]\n'''",
        '"""two quotes at its end"""""',
    ]
)
KEYS = st.sampled_from(["a", "b-1", "c_2", "7", '"d.e"', "'f g'", '"\\u0068"', '"[i]"'])
FILLERS = st.sampled_from(["", " ", "\n", " # ] }\n", "\n\n\t"])


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(["scalar", "array", "inline"])) if depth else "scalar"
    if kind == "array":
        parts = draw(st.lists(values(depth - 1), max_size=3))
        filled = [f"{draw(FILLERS)}{part}{draw(FILLERS)}" for part in parts]
        return f"[{','.join(filled)}{draw(FILLERS)}]"
    if kind == "inline":
        keys = draw(st.lists(KEYS, unique=True, max_size=3))
        pairs = [f"{key} = {draw(values(depth - 1))}" for key in keys]
        return f"{{ {', '.join(pairs)} }}"
    return draw(SCALARS)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    keys = draw(st.lists(KEYS, unique=True, max_size=4))
    lines = [f"{key} = {draw(values())}{draw(st.sampled_from(['', ' # = 1']))}" for key in keys]
    return "\n".join(lines)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A document: a body, then tables and arrays of tables with bodies of their own."""
    parts = [draw(bodies())]
    for name in draw(st.lists(st.sampled_from("tuvw"), max_size=4, unique=True)):
        if draw(st.booleans()):
            parts += [f"[{name} . {draw(KEYS)}]", draw(bodies())]
        else:
            for _ in range(draw(st.integers(1, 3))):
                parts += [f"[[ {name} ]]", draw(bodies()), f"[{name}.z]", draw(bodies())]
    return "\n".join(parts)


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from paths(one, (*path, index))


@settings(max_examples=200, deadline=None)
@given(texts())
def test_every_path_of_a_random_document_is_found_on_a_line_that_names_it(text: str) -> None:
    document = tomllib.loads(text)
    lines = key_lines(text)
    assert set(lines) == set(paths(document))
    rows = text.split("\n")
    for path, line in lines.items():
        key = path[-1]
        if isinstance(key, str):
            assert key.replace("h", "\\u0068") in rows[line - 1] or key in rows[line - 1]


def test_what_is_missing_stands_at_what_is_around_it() -> None:
    lines = key_lines("\n[a]\nb = [1]\n")
    assert line_of(lines, ("a", "c")) == 2
    assert line_of(lines, ("a", "b", 0, 7)) == 3
    assert line_of(lines, ("x",)) == 1
