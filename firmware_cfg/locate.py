"""The line of every key of a TOML document, which the standard parser does not tell.

The scanner reads documents that `tomllib` has accepted, so it needs to know where keys and
values begin and end, not whether they are right.
"""

from __future__ import annotations

import bisect
import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


def key_lines(text: str) -> dict[Path, int]:
    r"""Path of each key, table and array element → its line, from 1.

    A path holds names and, in arrays, indices from 0. A table named several times stands at
    its own header, or else where it is first mentioned.

    >>> key_lines('[a]\nb = [1,\n  2]\n')
    {('a',): 1, ('a', 'b'): 2, ('a', 'b', 0): 2, ('a', 'b', 1): 3}
    """
    return _Scanner(text).scan()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Line of `path`, or of the nearest thing around it that stands in the file; at least 1."""
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)


class _Scanner:
    """One pass over a valid document; `at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._sizes: dict[Path, int] = {}  # elements so far of arrays of tables
        self._breaks = [match.start() for match in re.finditer("\n", text)]

    def scan(self) -> dict[Path, int]:
        """Read it all."""
        table: Path = ()
        self._skip(_FILLER)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_FILLER)
        return self.lines

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _line(self) -> int:
        return bisect.bisect_left(self._breaks, self.at) + 1

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; returns the path of the table that it opens."""
        line = self._line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        *parents, name = self._key()
        self.at += 2 if many else 1
        path: Path = ()
        for part in parents:
            path = self._entered((*path, part))
            self.lines.setdefault(path, line)
        path = (*path, name)
        if many:
            self.lines.setdefault(path, line)
            path = (*path, self._sizes.get(path, 0))
            self._sizes[path[:-1]] = self._sizes.get(path[:-1], 0) + 1
        self.lines[path] = line
        return path

    def _entered(self, path: Path) -> Path:
        """`path`, or its last element where it is an array of tables."""
        self.lines.setdefault(path, self._line())
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _pair(self, table: Path) -> None:
        """Read `key = value`; the parts of a dotted key are tables."""
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _key(self) -> list[str]:
        """Read a possibly dotted key, up to what follows it."""
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            start = self.at
            if self.text[start] in "\"'":
                self._string()
                parts.append(next(iter(tomllib.loads(f"{self.text[start : self.at]} = 0"))))
            else:
                self._skip(_BARE_KEY)
                parts.append(self.text[start : self.at])
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _string(self) -> None:
        start = self.at
        for pattern in _STRINGS:
            self._skip(pattern)
            if self.at > start:
                return

    def _value(self, path: Path) -> None:
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self.at += 1
        self._skip(_FILLER)
        index = 0
        while self.text[self.at] != "]":
            self.lines[*path, index] = self._line()
            self._value((*path, index))
            self._between()
            index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        self._skip(_FILLER)
        while self.text[self.at] != "}":
            self._pair(path)
            self._between()
        self.at += 1

    def _between(self) -> None:
        """Skip from the end of an element to the next one, or to the closing bracket."""
        self._skip(_FILLER)
        if self.text[self.at] == ",":
            self.at += 1
            self._skip(_FILLER)
