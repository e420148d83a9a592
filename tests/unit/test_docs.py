"""What can be typed, read off the wire or measured is documented, and links lead somewhere."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edge.cli
import server.cli
from edge.visits.values import Evidence, Outcome, Pattern
from firmware_cfg.cells import Cell, StaffFigures
from firmware_cfg.codec import decode
from firmware_cfg.messages import HEALTH_BYTES, MODELS, SCHEMA_VERSION
from firmware_cfg.sealing import MOST_WINDOW_BYTES, window_bytes
from firmware_cfg.site import Encounter
from firmware_cfg.topics import PREFIX, SHARED_UPLINK_FILTER, Kind
from server.figures import PointFigures

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "models").glob("*.md")])
COMMANDS = {"encounter-edge": edge.cli.parser, "encounter-server": server.cli.parser}
MEASURES_IN_WORDS = {
    "served_within": "share served in time",
    "greeted_within": "share greeted in time",
    "abandoned": "**Abandoned**",
    "left_unserved": "**Left unserved**",
    "waiting_median": "Median and 90th percentile of waiting",
    "waiting_p90": "Median and 90th percentile of waiting",
    "greeting_median": "of greeting",
    "greeting_p90": "of greeting",
    "interaction_median": "interaction duration",
    "flawless": "Flawless rate",
    "recovered": "Recovery rate",
    "attended_share": "Attended share",
    "visits": "`visits`",
    "already_there": "`already_there`",
    "unfinished": "`unfinished`",
    "passers_by": "passer-by",
}
NOT_MEASURES = {"covers", "covered", "staff_covered", "expectations", "certainty", "cuts"} | {
    "counts",
    "measured",
}
PLACE_AND_TIME = {"point", "kind", "level", "start", "end", "k", "staff"}


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {word for action in parser._actions for word in action.option_strings} - {"-h", "--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_and_option_is_documented_under_its_heading(name: str) -> None:
    sections = dict(
        re.findall(
            r"^### `(.+?)`\n(.*?)(?=^##|\Z)", text("docs/commands.md"), re.MULTILINE | re.DOTALL
        )
    )
    parser = COMMANDS[name]()
    missing = []
    for sub, arguments in subcommands(parser):
        section = sections.get(f"{name} {sub}", "")
        missing += [f"{sub} {one}" for one in options(arguments) if f"`{one}`" not in section]
        missing += [] if section else [sub]
    missing += [one for one in options(parser) if f"`{one}`" not in text("docs/commands.md")]
    assert missing == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_documented_subcommand_and_option_exists(name: str) -> None:
    sections = re.findall(
        rf"^### `{name} (.+?)`\n(.*?)(?=^##|\Z)", text("docs/commands.md"), re.MULTILINE | re.DOTALL
    )
    parser = COMMANDS[name]()
    known = dict(subcommands(parser))
    for sub, section in sections:
        assert sub in known
        named = set(re.findall(r"`(--[a-z-]+)`", section))
        assert named <= {one for parsed in known.values() for one in options(parsed)}, sub


@pytest.mark.parametrize("kind", Kind)
def test_every_topic_is_documented(kind: Kind) -> None:
    assert f"`{PREFIX}/<device>/{kind}`" in text("docs/mqtt.md")


def test_numbers_of_the_wire_are_as_documented() -> None:
    page = text("docs/mqtt.md")
    assert SHARED_UPLINK_FILTER in page
    assert f"{window_bytes(96):,} bytes" in page
    assert f"{window_bytes(48):,} bytes" in page
    assert f"at most {MOST_WINDOW_BYTES:,} bytes" in page
    assert f"always {HEALTH_BYTES:,} bytes" in page
    assert f"`schema_version`, now {SCHEMA_VERSION}" in page


def test_examples_on_the_wire_page_can_be_read() -> None:
    models = {str(model.model_fields["kind"].default): model for model in MODELS}
    examples = re.findall(r"```json\n(.*?)```", text("docs/mqtt.md"), re.DOTALL)
    kinds = [json.loads(example)["kind"] for example in examples]
    assert sorted(kinds) == ["health", "window"]
    for kind, example in zip(kinds, examples, strict=True):
        decode(models[kind], example.encode())


def test_every_measure_of_a_cell_is_documented() -> None:
    page = text("docs/metrics.md")
    fields = {*Cell.model_fields, *StaffFigures.model_fields} - PLACE_AND_TIME
    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []


def test_every_figure_of_the_pages_is_documented() -> None:
    page = text("docs/metrics.md").lower()
    names = {one.name for one in dataclasses.fields(PointFigures)} - NOT_MEASURES
    assert names == set(MEASURES_IN_WORDS)
    assert [words for words in MEASURES_IN_WORDS.values() if words.lower() not in page] == []


def test_every_constant_of_the_definitions_is_documented_with_its_default() -> None:
    page = text("docs/metrics.md")
    for name, field in Encounter.model_fields.items():
        default = f" [{field.default:.1f}]" if field.default % 1 else f" [{field.default:g}"
        if name == "party_distance_m":
            default = " [1.0]"
        assert f"`{name}`{default}" in page, name


def test_every_outcome_pattern_and_kind_of_evidence_is_documented() -> None:
    page = text("docs/metrics.md")
    for word in (*Outcome, *Pattern):
        assert f"`{word}`" in page
    for word in Evidence:
        assert word in page


def test_every_target_of_the_makefile_has_help() -> None:
    makefile = text("Makefile")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    helped = re.findall(r"^([a-z-]+):[^#\n]*## \S", makefile, re.MULTILINE)
    assert sorted(helped) == sorted(phony[1].split())
    assert sorted(helped) == sorted(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    found = re.findall(
        r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    )
    local = [link.partition("#") for link in found if "://" not in link]
    assert [path for path, _, _ in local if path and not (page.parent / path).exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text("utf-8"))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert sorted(set(PAGES) - seen) == []
