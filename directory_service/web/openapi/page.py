"""The document as a page for people: what the template needs of each operation, references followed.  PURE.

No script and nothing from elsewhere: the page is text, and reads without either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

_METHODS: Final = ("get", "put", "post", "patch", "delete")


class Parameter(NamedTuple):
    name: str
    place: str
    kind: str
    required: bool
    text: str


class Answer(NamedTuple):
    status: str
    text: str
    types: tuple[str, ...]
    schemas: tuple[str, ...]


class Operation(NamedTuple):
    anchor: str
    method: str
    path: str
    summary: str
    text: str
    who: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: tuple[str, ...]
    answers: tuple[Answer, ...]


class Member(NamedTuple):
    name: str
    kind: str
    required: bool
    text: str


_PLACES: Final = {"path": "chemin", "query": "requête", "header": "en-tête"}
_WHO: Final = {"operator": "opérateur", "certificate": "opérateur, par certificat", "client": "logiciel, par sa clé"}


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """By tag, in the order of the document."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                told = item[method]
                found[told["tags"][0]].append(_operation(document, path, method, told))
    return found


def schemas(document: Mapping[str, Any]) -> dict[str, list[Member]]:
    """The members of each named schema."""
    return {name: list(_members(schema)) for name, schema in document["components"]["schemas"].items()}


def _operation(document: Mapping[str, Any], path: str, method: str, told: Mapping[str, Any]) -> Operation:
    body = told.get("requestBody", {}).get("content", {})
    answers = (_answer(status, _followed(document, said)) for status, said in told["responses"].items())
    who = told["security"]
    return Operation(
        told["operationId"],
        method.upper(),
        path,
        told["summary"],
        told.get("description", ""),
        ("tout le monde",) if not who or {} in who else tuple(_WHO[name] for one in who for name in one),
        tuple(map(_parameter, told["parameters"])),
        tuple(_sent(kind, said["schema"]) for kind, said in body.items()),
        tuple(sorted(answers)),
    )


def _sent(kind: str, schema: Mapping[str, Any]) -> str:
    """Of text and octets, the type says it all."""
    return f"{kind} : {kind_of(schema)}" if _name(schema) or "properties" in schema else kind


def _parameter(said: Mapping[str, Any]) -> Parameter:
    text = said.get("description") or said["schema"].get("description", "")
    return Parameter(said["name"], _PLACES[said["in"]], kind_of(said["schema"]), said.get("required", False), text)


def _answer(status: str, said: Mapping[str, Any]) -> Answer:
    content = said.get("content", {})
    named = (_name(c.get("x-itemSchema") or c["schema"]) for c in content.values())
    return Answer(status, said["description"], tuple(content), tuple(name for name in named if name))


def _members(schema: Mapping[str, Any]) -> Iterator[Member]:
    required = schema.get("required", ())
    for name, said in schema.get("properties", {}).items():
        yield Member(name, kind_of(said), name in required, said.get("description", ""))


def kind_of(schema: Mapping[str, Any]) -> str:
    """What a value is, in a few words."""
    if name := _name(schema):
        return name
    if "enum" in schema:
        return " | ".join("null" if word is None else str(word) for word in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema and "type" not in schema:
        return " ou ".join(map(kind_of, schema["anyOf"]))
    return _plain(schema)


_KINDS: Final = {
    "string": "texte", "integer": "entier", "number": "nombre", "boolean": "true | false", "null": "null",
    "object": "objet",
}  # fmt: skip


def _plain(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "")
    if kind == "array":
        return f"liste de {kind_of(schema['items'])}"
    if kind == "integer" and "maximum" in schema:
        default = f" ({schema['default']})" if "default" in schema else ""
        return f"entier de {schema['minimum']} à {schema['maximum']}{default}"
    if kind == "string" and "maxLength" in schema:
        return f"texte, {schema['maxLength']} caractères au plus"
    if kind == "string" and schema.get("format") == "date-time":
        return "instant"
    if kind == "object" and schema.get("properties"):
        return "objet : " + ", ".join(schema["properties"])
    kinds = [kind] if isinstance(kind, str) else kind
    return " | ".join(_KINDS.get(one, one) for one in kinds)


def _name(schema: Mapping[str, Any]) -> str:
    """Of the schema that this one is, or narrows; empty for one that has none."""
    target = schema.get("$ref") or next((s["$ref"] for s in schema.get("allOf", ()) if "$ref" in s), "")
    return str(target).rpartition("/")[2]


def _followed(document: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = said
    if "$ref" in said:
        found = document
        for part in said["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return found  # type: ignore[no-any-return]
