"""What the Reconciliation API 0.2 demands of each message, as JSON Schema (draft 7) in our own words.

Each says what the specification's schema of the same name says, and closes what that leaves open: a field of ours that
the specification does not name would be a mistake.  The manifest alone may hold more (``batchSize`` is the draft's).
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": required | optional,
        "required": [*required],
        "additionalProperties": False,
    }


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


_TYPE = _object({"id": TEXT, "name": TEXT}, description=TEXT, broader={"type": "array"})
_SHORT_TYPE: Schema = {"oneOf": [TEXT, _object({"id": TEXT}, name=TEXT)]}
_PATTERN: Schema = {"type": "string", "pattern": r"\{\{id\}\}"}
_PLACE = _object({}, service_url=TEXT, service_path=TEXT, flyout_service_url=TEXT, flyout_service_path=TEXT)

MANIFEST: Schema = {
    **_object(
        {
            "versions": _list(TEXT, contains={"const": "0.2"}),
            "name": TEXT,
            "identifierSpace": TEXT,
            "schemaSpace": TEXT,
        },
        documentation=TEXT,
        serviceVersion=TEXT,
        logo=TEXT,
        view=_object({"url": _PATTERN}),
        feature_view=_object({"url": _PATTERN}),
        defaultTypes=_list(_TYPE, uniqueItems=True),
        suggest=_object({}, entity=_PLACE, property=_PLACE, type=_PLACE),
        preview=_object({"url": _PATTERN, "width": {"type": "integer"}, "height": {"type": "integer"}}),
        extend=_object({}, propose_properties=_PLACE, property_settings={"type": "array", "maxItems": 0}),
    ),
    "additionalProperties": True,
}

_VALUE: Schema = {
    "oneOf": [TEXT, {"type": "number"}, {"type": "boolean"}, _object({"id": TEXT}, name=TEXT)],
}
_QUERY = _object(
    {},
    query=TEXT,
    type={"oneOf": [TEXT, _list(TEXT)]},
    limit={"type": "number"},
    properties=_list(_object({"pid": TEXT, "v": {"oneOf": [_VALUE, _list(_VALUE)]}})),
    type_strict={"enum": ["any", "should", "all"]},
)
_SAID: Schema = {
    "anyOf": [{"required": ["query"]}, {"required": ["properties"], "properties": {"properties": {"minItems": 1}}}]
}
QUERIES: Schema = {"type": "object", "additionalProperties": _QUERY | _SAID}

_FEATURE = _object({"id": TEXT, "value": {"oneOf": [{"type": "boolean"}, {"type": "number"}]}})
_CANDIDATE = _object(
    {"id": TEXT, "name": TEXT, "score": {"type": "number"}},
    description=TEXT,
    features=_list(_FEATURE),
    match={"type": "boolean"},
    type=_list(_SHORT_TYPE),
)
RESULTS: Schema = {"type": "object", "additionalProperties": _object({"result": _list(_CANDIDATE)})}

EXTENSION_QUERY: Schema = _object(
    {"ids": _list(TEXT), "properties": _list(_object({"id": TEXT}, settings={"type": "object"}))}
)
_CELL: Schema = {
    "oneOf": [
        _object({}),
        _object({"id": TEXT, "name": TEXT}, description=TEXT),
        _object({"str": TEXT}),
        _object({"float": {"type": "number"}}),
        _object({"int": {"type": "integer"}}),
        _object({"date": {"type": "string", "pattern": r"^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d"}}),
    ]
}
_META = _object({"id": TEXT, "name": TEXT}, type=_object({"id": TEXT}, name=TEXT), service=TEXT)
_ROW: Schema = {"type": "object", "additionalProperties": _list(_CELL)}
EXTENSION: Schema = _object({"meta": _list(_META), "rows": {"type": "object", "additionalProperties": _ROW}})

PROPOSAL: Schema = _object(
    {"properties": _list(_object({"id": TEXT, "name": TEXT}))}, type=TEXT, limit={"type": "integer"}
)
_SUGGESTION = _object({"id": TEXT, "name": TEXT}, description=TEXT, notable=_list(_SHORT_TYPE))
ENTITIES: Schema = _object({"result": _list(_SUGGESTION)})
PROPERTIES: Schema = _object({"result": _list(_object({"id": TEXT, "name": TEXT}, description=TEXT))})
TYPES: Schema = _object({"result": _list(_TYPE)})


def check(schema: Schema, value: object) -> None:
    """Raises jsonschema's ValidationError."""
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(value)
