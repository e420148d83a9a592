"""The command line of `encounter-edge audit`."""

from __future__ import annotations

import argparse

import pytest

from edge.audit.options import arguments, request_of


def test_everything_is_audited_unless_it_is_said_otherwise() -> None:
    found = request_of(parsed())
    assert found.parts == frozenset("ABC")
    assert found.site is None
    assert found.watch_s == 10
    assert found.seed is None
    assert found.canary is None
    assert found.hours == 0


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments(parser)
    return parser.parse_args(words)


def test_a_seed_is_as_the_report_names_it() -> None:
    assert request_of(parsed("--seed", "00ff")).seed == 255
    assert request_of(parsed("--parts", "ca")).parts == frozenset("AC")


BAD = (
    ("--parts", "AD"),
    ("--parts", ""),
    ("--watch-s", "-1"),
    ("--watch-s", "x"),
    ("--watch-s", "nan"),
    ("--hours", "25"),
    ("--hours", "-0.1"),
    ("--hours", "day"),
    ("--seed", "xyz"),
    ("--seed", "1" * 33),
)


@pytest.mark.parametrize("words", BAD)
def test_what_does_not_serve_is_refused(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)
    assert "expected" in capsys.readouterr().err
