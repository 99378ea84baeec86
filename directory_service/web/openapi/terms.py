"""The few words that our schemas are written with (JSON Schema 2020-12).  PURE.

A record is open: clients must take members that they do not know, since adding one is no new version
(docs/reference/http-api.md).  ``closed`` gives the same schema shut, by which tests find what is not described.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
NULL: Final[Schema] = {"type": "null"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}  # RFC 3339, UTC, to the second
SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def word(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [*words]}


def mapped(schema: Schema) -> Schema:
    """An object whose names are data."""
    return {"type": "object", "additionalProperties": schema}


def record(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any) -> Schema:
    """Those of ``fields`` are always there, null or not."""
    return {"type": "object", "properties": {**fields, **(optional or {})}, "required": [*fields], **more}


def told(text: str, schema: Schema) -> Schema:
    """The schema, with what it means to a person."""
    return {**schema, "description": text}


def closed(schema: Any) -> Any:
    """The schema with no member allowed that it does not describe."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("unevaluatedProperties", False)
    return found
