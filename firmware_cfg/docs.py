"""Reference documents that are written from the code: configuration and JSON Schemas.

`documents()` gives file names and texts; `python -m firmware_cfg docs DIR` writes them, and
a test compares them with the committed ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast, get_args

from firmware_cfg.messages import MODELS, SCHEMA_VERSION
from firmware_cfg.profiles import PROFILES
from firmware_cfg.site import Site
from firmware_cfg.types_in_words import bounds_in_words, toml_literal, type_in_words
from firmware_cfg.wording import section_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue
    from pydantic.fields import FieldInfo

    from firmware_cfg.messages import Message
    from firmware_cfg.section import Section

    Schema = dict[str, JsonValue]

_NOTE = "<!-- Written by `python -m firmware_cfg docs docs`; edit the code, not this page. -->"

EXAMPLE = """\
[camera]
size_px = [1280, 720]

[ground]
image_px = [[78, 722], [1201, 722], [973, 411], [306, 411]]
world_m = [[-2.5, 3.0], [2.5, 3.0], [2.5, 6.0], [-2.5, 6.0]]

[[queue]]
id = "queue-1"
zone_px = [[0, 600], [820, 720], [736, 504], [94, 504]]
feeds = ["counter-1"]

[[service_point]]
id = "counter-1"
service_zone_px = [[617, 479], [847, 479], [815, 400], [621, 400]]
staff_zone_px = [[580, 201], [843, 201], [843, 265], [580, 265]]

[store]
timezone = "Asia/Shanghai"
opening = { mon = ["09:00-21:00"], sat = ["10:00-14:00", "15:00-24:00"] }
closed = [2027-01-01]

[encounter]
greet_within_s = 20

[privacy]
team_size = 6

[device]
id = "kiosk-7"
profile = "pi5"
"""

_INTRODUCTION = f"""\
# Configuration

{_NOTE}

A device reads one TOML file. A key has the value that the file gives; else that of the
hardware profile named by `device.profile`; else the default below. Unknown keys are refused.
`encounter-edge check-config SITE.toml` reports every problem at once, each with its line and
key; indices in keys count from 0. Polygons are in pixels of the delivered picture, x to the
right and y down; their points stand in the order in which one walks around the zone, and the
last is joined to the first. Durations are in seconds and distances in metres.

```toml
{EXAMPLE}```

Only `[camera]` and one `[[service_point]]` are required.
"""

_TOGETHER = """\
## Checked together

* Every point of a zone lies inside the picture, borders included, and a zone's edges do not
  cross. The points of `[ground]` may lie outside the picture.
* `[ground]` has as many `image_px` as `world_m` points, in the same order, at least two of
  them off any one line. Either handedness of the floor's axes will do.
* Ids are unique among queues and service points, and `feeds` names service points.
* A lens with a model has a matrix with positive focal lengths, and a principal point inside
  the picture.
* `encounter.settle_s` is at least `encounter.merge_s`, and `encounter.window_settle_s` at
  least `encounter.settle_s`.
* `broker.cert_file` and `broker.key_file` come together, with `tls = true`; without TLS the
  broker is on this machine.
"""


def documents() -> dict[str, str]:
    """Path in the folder of documents → text, for every generated document."""
    pages = {"configuration.md": configuration_page(), "schema/README.md": schema_page()}
    for model in MODELS:
        text = json.dumps(message_schema(model), indent=2, ensure_ascii=False)
        pages[f"schema/{_name(model)}.schema.json"] = text + "\n"
    return pages


def message_schema(model: type[Message]) -> Schema:
    """JSON Schema of a message as it is written: closed, every key required, versioned."""
    schema = cast("Schema", _without_titles(model.model_json_schema(mode="serialization")))
    properties = cast("Schema", schema["properties"])
    properties["schema_version"] = {"const": SCHEMA_VERSION, "type": "integer"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:encounter:message:{_name(model)}:{SCHEMA_VERSION}",
        "title": model.__name__,
        **schema,
    }


def configuration_page() -> str:
    """The reference page of the site file."""
    parts = [_INTRODUCTION, _profiles(), *_sections("", Site), _TOGETHER]
    return "\n".join(parts)


def schema_page() -> str:
    """The list of messages and their schemas."""
    rows = [
        f"| [`{_name(model)}`]({_name(model)}.schema.json) | {_summary(model)} |"
        for model in MODELS
    ]
    about = (
        f"JSON Schemas (draft 2020-12) of the messages of schema version {SCHEMA_VERSION}, as "
        "they are written. They are closed: a key that is not listed is refused."
    )
    lines = ["# Messages", "", _NOTE, "", about, "", "| message | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _profiles() -> str:
    rows = [
        f"| `{profile.name}` | {profile.hardware} | `{profile.model}` | {profile.threads} "
        f"| {profile.max_rate_hz:g} | {profile.reason} |"
        for profile in PROFILES.values()
    ]
    head = "| profile | hardware | model | threads | max_rate_hz | why |\n|---|---|---|---|---|---|"
    return "\n".join(["## Hardware profiles", "", head, *rows, ""])


def _sections(prefix: str, section: type[Section]) -> Iterator[str]:
    """Parts of the page for the tables inside `section`, each before its inner tables."""
    for name, field in section.model_fields.items():
        inner = section_in(field.annotation)
        if inner:
            key = f"{prefix}{name}"
            many = Ellipsis in get_args(field.annotation)
            yield _section(f"[[{key}]]" if many else f"[{key}]", inner, field)
            yield from _sections(f"{key}.", inner)


def _section(header: str, section: type[Section], field: FieldInfo) -> str:
    schema = section.model_json_schema()
    properties = cast("dict[str, Schema]", schema["properties"])
    rows = [
        f"| `{key}` | {type_in_words(properties[key])} | {_default(one)} "
        f"| {bounds_in_words(properties[key])} | {one.description} |"
        for key, one in section.model_fields.items()
        if not section_in(one.annotation)
    ]
    what = "Required." if field.is_required() else ""
    if field.default is None:  # what follows where the table is left out
        what = f"{field.description}"
    lines = ["## `" + header + "`", "", f"{_summary(section)} {what}".rstrip(), ""]
    head = "| key | type | default | bounds | |\n|---|---|---|---|---|"
    return "\n".join([*lines, head, *rows, ""])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return toml_literal(field.get_default(call_default_factory=True, validated_data={}))


def _summary(model: type[object]) -> str:
    return (model.__doc__ or "").partition("\n")[0]


def _name(model: type[Message]) -> str:
    return str(model.model_fields["kind"].default)


def _without_titles(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {
            key: _without_titles(one)
            for key, one in value.items()
            if not (key == "title" and isinstance(one, str))
        }
    return [_without_titles(one) for one in value] if isinstance(value, list) else value
