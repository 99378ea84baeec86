"""The document itself, from the routes of an application and what stands beside each (``route.Route``).

PURE but for the application that it is given: the same code gives the same document, and no data is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from directory_service.errors import (
    AnnuaireError,
    Forbidden,
    InvalidInput,
    RegistryUnavailable,
    TooManyAttempts,
    TooManyRequests,
)
from directory_service.trust.access import BadCredentials
from directory_service.web.openapi.matching import MATCHING
from directory_service.web.openapi.people import PEOPLE
from directory_service.web.openapi.route import JSON, LINES, Answer, Place, Rate, Route, Who, description_of
from directory_service.web.openapi.terms import TEXT, Schema, ref
from directory_service.web.openapi.trust import TRUST
from directory_service.web.parameters import Parameter, is_required
from directory_service.web.problems import MIMETYPE, statuses
from directory_service.web.problemtypes import PROBLEMS

VERSION: Final = "1"  # of the API: what /v1 stands for (docs/reference/http-api.md)
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: Final[dict[str, Schema]] = {**PEOPLE, **TRUST, **MATCHING}
# Blueprints whose routes are no part of the API: pages for people, other protocols.
APART: Final = frozenset({"portal", "carddav", "documentation"})
# What any route may answer; the others say more.
COMMON: Final = tuple(
    error.slug
    for error in (
        InvalidInput, BadCredentials, Forbidden, TooManyRequests, TooManyAttempts, RegistryUnavailable, AnnuaireError,
    )
)  # fmt: skip
_CALLED: Final = {"identifier": "id"}  # what views call otherwise than the errors and the docs
_VARIABLE: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS: Final = ("GET", "PUT", "POST", "DELETE", "PATCH")
# What is no JSON document, though JSON may be said of lines; all else is text.
_UNTOLD: Final[dict[str, Schema]] = {JSON: {}, "application/pkix-cert": {"type": "string", "format": "binary"}}
_SECURITY: Final = {"operator": "bearer", "certificate": "mutualTLS", "client": "bearer"}
_TEXTS: Final = {
    "operator": "Le secret d'un opérateur (`annuaire operator secret`).",
    "certificate": "Le certificat client d'un opérateur, sur le port HTTPS.",
    "client": "La clé d'un logiciel (`annuaire client add`) : les réponses publiques, avec de plus hautes limites.",
}
_INTRODUCTION: Final = """\
L'annuaire des professionnels de santé et de leurs boîtes aux lettres sécurisées.

Sans authentification, ce qui est public. Ce qu'un appelant ne peut voir n'existe pas pour lui. Toute erreur est un
document `application/problem+json` (RFC 9457), dont `type` mène à sa page et `where` nomme ce qui est en cause. Les
membres inconnus d'une réponse sont à ignorer : il peut s'en ajouter sans changer de version.
"""


class Rule(Protocol):
    """Of werkzeug's, what is read here."""

    rule: str
    endpoint: str
    methods: Any


def document(rules: Iterable[Rule], views: Mapping[str, Callable[..., Any]], version: str = VERSION) -> dict[str, Any]:
    """The OpenAPI document of these routes: those that have a description."""
    routes, paths = list(described(rules, views)), dict[str, dict[str, Any]]()
    for rule, route in routes:
        for method in sorted(set(rule.methods) & set(_METHODS)):
            paths.setdefault(path_of(rule.rule), {})[method.lower()] = operation(rule, route)
    problems = {name: told for _, route in routes for name, told in _problems(route)}
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": DIALECT,
        "info": {"title": "Annuaire de santé", "version": version, "description": _INTRODUCTION,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for _, route in routes)],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": SCHEMAS, "responses": dict(sorted(problems.items())), "securitySchemes": _schemes()},
    }  # fmt: skip


def described(rules: Iterable[Rule], views: Mapping[str, Callable[..., Any]]) -> Iterator[tuple[Rule, Route]]:
    """By path and method, so that the document does not depend on the order of imports."""
    for rule in sorted(rules, key=lambda r: (r.rule, r.endpoint)):
        route = description_of(views[rule.endpoint])
        if route is not None:
            yield rule, route


def path_of(rule: str) -> str:
    return _VARIABLE.sub(lambda found: "{" + _CALLED.get(found[1], found[1]) + "}", rule)


def operation(rule: Rule, route: Route) -> dict[str, Any]:
    """An Operation Object (4.8.10)."""
    found: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_places(rule, route), *map(_query, route.query), *map(_header, _headers(route))],
        "responses": {str(status): _response(answer, route) for status, answer in sorted(route.answers.items())},
        "security": _who(route.who, route.rate),
    }
    for name, _ in _problems(route):
        found["responses"][name.partition("-")[0]] = {"$ref": f"#/components/responses/{name}"}
    if route.cached:
        found["responses"]["304"] = {"description": "Ce que `If-None-Match` annonce est encore vrai."}
    if route.text:
        found["description"] = route.text
    if route.retired:
        found["deprecated"] = True
    if route.body:
        content = {kind: _media(kind, schema) for kind, schema in route.body.types.items()}
        found["requestBody"] = {"content": content, "required": route.body.required}
        found["requestBody"] |= {"description": route.body.text} if route.body.text else {}
    return found


def _places(rule: Rule, route: Route) -> Iterator[dict[str, Any]]:
    known = {place.name: place for place in route.path}
    for variable in _VARIABLE.findall(rule.rule):
        name = _CALLED.get(variable, variable)
        place = known[name]
        yield {"name": name, "in": "path", "required": True, **_told(place)}


def _told(place: Place) -> dict[str, Any]:
    return {"description": place.text, "schema": place.schema, **({"example": place.example} if place.example else {})}


def _query(parameter: Parameter) -> dict[str, Any]:
    said = {"name": parameter.name, "in": "query", "schema": parameter.schema()}
    return {**said, "required": True} if is_required(parameter) else said


def _headers(route: Route) -> Iterator[Place]:
    yield from route.headers
    if route.cached:
        yield Place("If-None-Match", "L'`ETag` d'une réponse que l'on a déjà")


def _header(place: Place) -> dict[str, Any]:
    return {"name": place.name, "in": "header", **_told(place)}


def _response(answer: Answer, route: Route) -> dict[str, Any]:
    types = {answer.type: answer.schema, **answer.also}
    content = {kind: _media(kind, schema) for kind, schema in types.items()}
    said = dict(answer.headers)
    if route.cached:
        said.setdefault("ETag", "L'état dont vient la réponse")
    found: dict[str, Any] = {"description": answer.text, "content": content}
    return {**found, "headers": {name: _said(text) for name, text in said.items()}} if said else found


def _media(kind: str, schema: Schema | None) -> dict[str, Any]:
    """A Media Type Object (4.8.14).  Of lines, 3.1 cannot say the schema, and 3.2 will as ``itemSchema``.

    It may go without a schema, but openapi-generator 7.26 stops at one that does, and openapi-python-client 0.29 leaves
    the operation out.
    """
    if schema is None:
        return {"schema": _UNTOLD.get(kind, TEXT)}
    return {"schema": TEXT, "x-itemSchema": schema} if kind == LINES else {"schema": schema}


def _said(text: str) -> dict[str, Any]:
    return {"description": text, "schema": TEXT}


def _problems(route: Route) -> list[tuple[str, dict[str, Any]]]:
    """Those of a status together, under a name that begins with it; ``type`` tells them apart."""
    by_status: dict[int, list[str]] = {}
    status_of = statuses()
    for slug in dict.fromkeys((*_usual(route), *route.problems)):
        by_status.setdefault(status_of[slug], []).append(slug)
    return [(f"{status}-{'.'.join(slugs)}", _problem(status, slugs)) for status, slugs in sorted(by_status.items())]


def _usual(route: Route) -> Iterator[str]:
    """What operations ask is answered to anybody, and never counted."""
    yield from ("internal", "unavailable") if route.rate is Rate.FREE else COMMON
    if route.body:
        yield from ("bad-request", "too-large")


def _problem(status: int, slugs: list[str]) -> dict[str, Any]:
    lines = [f"`{slug}` : {PROBLEMS[slug][1]}" for slug in slugs]
    narrowed = {"allOf": [ref("Problem"), {"properties": {"type": {"enum": [f"/problems/{slug}" for slug in slugs]}}}]}
    found: dict[str, Any] = {"description": "\n\n".join(lines), "content": {MIMETYPE: {"schema": narrowed}}}
    headers = {
        HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "`Bearer`"),
        HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "Secondes à attendre"),
        HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Secondes à attendre"),
    }
    if told := headers.get(HTTPStatus(status)):
        found["headers"] = {told[0]: _said(told[1])}
    return found


def _who(who: Who, rate: Rate) -> list[dict[str, list[str]]]:
    if rate is Rate.FREE:
        return []
    operators: list[dict[str, list[str]]] = [{"operator": []}, {"certificate": []}]
    return operators if who is Who.OPERATORS else [{}, {"client": []}, *operators]


def _schemes() -> dict[str, Any]:
    kinds: dict[str, dict[str, str]] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "mutualTLS": {"type": "mutualTLS"},
    }
    return {name: {**kinds[kind], "description": _TEXTS[name]} for name, kind in _SECURITY.items()}
