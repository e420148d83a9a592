"""Writing and reading the messages of the wire: JSON in UTF-8, some of it of a fixed size.

A window message travels sealed (`firmware_cfg.sealing`), of one size for all of a device's; a
heartbeat is padded to `HEALTH_BYTES`. So lengths say nothing. A key that is given twice is
refused at both ends (`firmware_cfg.json_text`). The server reads schema versions N, N-1 and N-2.
"""

from pydantic import ValidationError
from pydantic_core import from_json

from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.json_text import SHOWN, check_single_keys, shown
from firmware_cfg.messages import (
    HEALTH_BYTES,
    SCHEMA_VERSION,
    AnyMessage,
    Health,
    Message,
    Window,
)
from firmware_cfg.sealing import MOST_WINDOW_BYTES, opened, sealed

OLDEST_READ_VERSION = max(1, SCHEMA_VERSION - 2)
_STATED = frozenset({"kind", "schema_version"})


def encode(message: Message, size_bytes: int = MOST_WINDOW_BYTES) -> bytes:
    """Compact JSON; a `Window` sealed to `size_bytes`, a `Health` padded to `HEALTH_BYTES`.

    Raises:
        MessageError: one of them does not fit.
    """
    if isinstance(message, Window):
        return sealed(message.model_dump_json().encode(), size_bytes, f"window {message.start}")
    if isinstance(message, Health):
        return _padded(message, HEALTH_BYTES, f"health of {message.device}")
    return message.model_dump_json().encode()


def _padded(message: Message, size_bytes: int, name: str) -> bytes:
    """Compact JSON with `pad`, its last field, filled with spaces up to `size_bytes`."""
    bare = message.model_copy(update={"pad": ""}).model_dump_json().encode()
    if len(bare) > size_bytes:
        raise MessageError(f"{name}: {len(bare)} bytes, at most {size_bytes} fit")
    return bare[:-2] + b" " * (size_bytes - len(bare)) + b'"}'


def decode(model: type[AnyMessage], payload: bytes) -> AnyMessage:
    """Read and check a message, or any other closed value that has no version of its own.

    Raises:
        NewerVersionError: the payload is of a schema version that is not known here.
        MessageError: the payload is not this message, or a key is given twice in it; says
            which field, and what was expected and found.
    """
    stated = _STATED if "schema_version" in model.model_fields else frozenset()
    text = opened(payload) if stated else payload
    check_single_keys(text, model.__name__.lower())
    try:
        message = model.model_validate_json(text, strict=True)
    except ValidationError as error:
        if stated:
            check_version(_peek(text)[1])
        raise MessageError(_first_problem(model, error)) from None
    if not stated <= message.model_fields_set:
        _peek(text)  # says which of them is missing
    if stated:
        check_version(getattr(message, "schema_version", SCHEMA_VERSION))
    return message


def _first_problem(model: type[Message], error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(shown(part) for part in first["loc"]) or "message"
    found = "" if first["type"] == "json_invalid" else f", found {str(first['input'])[:60]!r}"
    return f"{model.__name__.lower()}: {where}: {first['msg']}{found}"


def peek(payload: bytes) -> tuple[str, int]:
    """Kind and schema version of any message, without reading the rest of it.

    >>> peek(b'{"kind":"health","schema_version":9,"new":true}')
    ('health', 9)

    Raises:
        MessageError: not a JSON object, or it does not state both, or a key is given twice.
    """
    text = opened(payload)
    check_single_keys(text, "message")
    return _peek(text)


def _peek(text: bytes) -> tuple[str, int]:
    try:
        fields = from_json(text)
    except ValueError as error:
        raise MessageError(f"message: expected JSON, found {text[:40]!r} ({error})") from None
    if not isinstance(fields, dict):
        raise MessageError(f"message: expected a JSON object, found {text[:40]!r}")
    kind, version = fields.get("kind"), fields.get("schema_version")
    if not isinstance(kind, str):
        raise MessageError(f"message: kind: expected a name, found {str(kind)[:40]!r}")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        found = str(version)[:40]
        raise MessageError(f"{kind[:40]}: schema_version: expected 1 or more, found {found!r}")
    return kind, version


def check_version(version: int) -> None:
    """Refuse what this reader cannot read.

    Raises:
        NewerVersionError: newer than this reader: to be kept raw and read after an upgrade.
        MessageError: older than the oldest version that is still read.
    """
    if version > SCHEMA_VERSION:
        shown = str(version)[:SHOWN]
        raise NewerVersionError(
            f"schema version {shown} is newer than this reader's {SCHEMA_VERSION}; kept raw"
        )
    if version < OLDEST_READ_VERSION:
        raise MessageError(
            f"schema version {version} is older than {OLDEST_READ_VERSION}, the oldest still read"
        )
