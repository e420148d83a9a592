"""What a change of an OpenAPI document breaks for clients of the one before.

What a client sends must still be taken: each value that the old schema of a parameter or body
allowed, the new one must allow. What it gets must still be understood: each value that the new
schema of an answer allows, the old one must have allowed; further fields of an object are no
surprise, a field that is gone is. The comparison knows the parts of JSON Schema that our
documents use, and takes any other difference for a break.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
SAME = ("format", "pattern", "multipleOf", "uniqueItems", "contentMediaType")
ANY: Schema = {}


@dataclass(frozen=True)
class Document:
    """An OpenAPI document."""

    body: Mapping[str, Any]

    def resolved(self, one: Schema) -> Schema:
        while "$ref" in one:
            found: Any = self.body
            for key in one["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            one = found
        return one

    def operations(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        return {
            (path, method): operation
            for path, item in self.body["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        }


def breaks(old_body: Mapping[str, Any], new_body: Mapping[str, Any]) -> list[str]:
    """Every break, in words; none: clients of the old document can use the new server."""
    old, new = Document(old_body), Document(new_body)
    now = new.operations()
    found: list[str] = []
    for key, before in old.operations().items():
        where = f"{key[1].upper()} {key[0]}"
        if key not in now:
            found.append(f"{where}: gone")
            continue
        after = now[key]
        if before.get("operationId") != after.get("operationId"):
            found.append(f"{where}: operation id {after.get('operationId')!r} is another")
        found += _parameters(old, new, before, after, where)
        found += _body(old, new, before, after, where)
        found += _answers(old, new, before, after, where)
    return found


def _parameters(
    old: Document, new: Document, before: Schema, after: Schema, where: str
) -> Iterator[str]:
    was, now = ({_key(one): one for one in each.get("parameters", ())} for each in (before, after))
    for key, one in now.items():
        if one.get("required") and not was.get(key, {}).get("required"):
            yield f"{where}: parameter {key[1]!r} is required now"
    for key, one in was.items():
        name = f"{where}: parameter {key[1]!r}"
        if key not in now:
            yield f"{name} is gone"
        else:
            yield from _misfits(old, one["schema"], new, now[key]["schema"], name)


def _key(parameter: Schema) -> tuple[str, str]:
    return parameter["in"], parameter["name"]


def _body(old: Document, new: Document, before: Schema, after: Schema, where: str) -> Iterator[str]:
    was, now = before.get("requestBody"), after.get("requestBody")
    if now is None:
        if was is not None:
            yield f"{where}: takes no body any more"
        return
    if now.get("required") and not (was or {}).get("required"):
        yield f"{where}: a body is required now"
    for kind, one in (was or {}).get("content", {}).items():
        if kind not in now["content"]:
            yield f"{where}: takes no {kind} any more"
        else:
            schema = now["content"][kind].get("schema", ANY)
            yield from _misfits(old, one.get("schema", ANY), new, schema, f"{where}: body")


def _answers(
    old: Document, new: Document, before: Schema, after: Schema, where: str
) -> Iterator[str]:
    for status, was in before["responses"].items():
        name = f"{where}: answer {status}"
        now = after["responses"].get(status)
        if now is None:
            yield f"{name} is gone"
            continue
        for kind, one in was.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield f"{name}: is no {kind} any more"
                continue
            schema = now["content"][kind].get("schema", ANY)
            yield from _misfits(new, schema, old, one.get("schema", ANY), name)


def _misfits(
    one: Document, value: Schema, other: Document, into: Schema, where: str
) -> Iterator[str]:
    """Why a value that `value` (of `one`) allows might not be one that `into` allows."""
    value, into = one.resolved(value), other.resolved(into)
    if "anyOf" in value:
        for each in value["anyOf"]:
            yield from _misfits(one, each, other, into, where)
        return
    if "anyOf" in into:
        tried = [list(_misfits(one, value, other, each, where)) for each in into["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    yield from _of_type(value, into, where)
    if "items" in into:
        yield from _misfits(one, value.get("items", ANY), other, into["items"], f"{where}[]")
    if into.get("type") == "object" and value.get("type") == "object":
        yield from _of_object(one, value, other, into, where)


def _of_type(value: Schema, into: Schema, where: str) -> Iterator[str]:
    if "type" in into and value.get("type") not in _types(into["type"]):
        yield f"{where}: type {value.get('type')} where {into['type']} was or is taken"
        return
    words = _words(into)
    if words is not None and not (_words(value) or {None}) <= words:
        yield f"{where}: values {_words(value) or 'any'} where {sorted(map(str, words))} are known"
    for key in AT_MOST:
        if key in into and value.get(key, float("inf")) > into[key]:
            yield f"{where}: {key} {value.get(key)} where {into[key]} is known"
    for key in AT_LEAST:
        if key in into and value.get(key, float("-inf")) < into[key]:
            yield f"{where}: {key} {value.get(key)} where {into[key]} is known"
    for key in SAME:
        if key in into and value.get(key) != into[key] and words is None:
            yield f"{where}: {key} {value.get(key)!r} where {into[key]!r} is known"


def _types(kind: str) -> tuple[str, ...]:
    return ("number", "integer") if kind == "number" else (kind,)


def _words(one: Schema) -> set[Any] | None:
    if "const" in one:
        return {one["const"]}
    return set(one["enum"]) if "enum" in one else None


def _of_object(
    one: Document, value: Schema, other: Document, into: Schema, where: str
) -> Iterator[str]:
    given, known = value.get("properties", {}), into.get("properties", {})
    for name in into.get("required", ()):
        if name in given and name not in value.get("required", ()):
            yield f"{where}: {name!r} may be missing, or must be given"
    for name, schema in known.items():
        if name in given:
            yield from _misfits(one, given[name], other, schema, f"{where}.{name}")
        elif name in into.get("required", ()) or _is_answer(where):
            yield f"{where}: {name!r} is gone, or must be given"
    closed = into.get("additionalProperties") is False
    for name in set(given) - set(known) if closed else ():
        yield f"{where}: {name!r} is not taken any more"
    rest = into.get("additionalProperties")
    if isinstance(rest, Mapping):
        more = value.get("additionalProperties", ANY)
        more = more if isinstance(more, Mapping) else ANY
        yield from _misfits(one, more, other, rest, f"{where}.*")


def _is_answer(where: str) -> bool:
    return ": answer " in where
