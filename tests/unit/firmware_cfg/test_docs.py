"""Generated documents: committed as generated, and complete."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from pathlib import Path

import jsonschema
import pytest

import firmware_cfg
from firmware_cfg.__main__ import main
from firmware_cfg.docs import configuration_page, documents, message_schema
from firmware_cfg.messages import MODELS, Message
from firmware_cfg.site import Site
from firmware_cfg.wording import section_in

DOCS = Path(__file__).parents[3] / "docs"
MODULES = sorted(module.name for module in pkgutil.iter_modules(firmware_cfg.__path__))


@pytest.mark.parametrize("name", documents())
def test_committed_documents_are_as_generated(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == documents()[name]


def test_check_passes_names_what_is_stale_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["docs", str(tmp_path)]) == 0
    assert main(["docs", str(tmp_path), "--check"]) == 0
    page = tmp_path / "configuration.md"
    page.write_text("old", encoding="utf-8")
    (tmp_path / "schema" / "ack.schema.json").unlink()
    (tmp_path / "schema" / "gone.schema.json").write_text("{}", encoding="utf-8")
    assert main(["docs", str(tmp_path), "--check"]) == 1
    errors = capsys.readouterr().err
    assert [line.split(":")[0].rpartition("/")[2] for line in errors.splitlines()] == [
        "configuration.md",
        "ack.schema.json",
        "gone.schema.json",
    ]
    assert page.read_text(encoding="utf-8") == "old"


def test_every_key_has_a_description_and_stands_on_the_page() -> None:
    page = configuration_page()
    for name, field in Site.model_fields.items():
        section = section_in(field.annotation)
        assert section is not None, name
        for key, one in section.model_fields.items():
            assert one.description, f"{name}.{key}"
            assert f"`{key}`" in page or f"[{name}.{key}]" in page


@pytest.mark.parametrize("model", MODELS)
def test_schemas_are_valid_closed_and_versioned(model: type[Message]) -> None:
    schema = message_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert str(schema["$id"]).endswith(":1")
    text = json.dumps(schema)
    assert text.count('"properties":') == text.count('"additionalProperties": false')


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"firmware_cfg.{name}")
    assert doctest.testmod(module).failed == 0
