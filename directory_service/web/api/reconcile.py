"""``/v1/reconcile``: the W3C Reconciliation API 0.2, for OpenRefine and its like (docs/howto/openrefine.md).

Queries come as OpenRefine sends them, in a form or a query string that holds JSON, or as JSON.  No JSONP: pages of
other sites may read these answers, since they hold nothing but the public directory, whoever asks.
Suggestions ignore parameters that they do not know: clients add their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory_service.errors import InvalidInput, LimitExceeded, NotFound
from directory_service.web.answers import json_answer
from directory_service.web.bodies import UnsupportedBody, read_body
from directory_service.web.context import directory, identify
from directory_service.web.limiting import numbered, spending, take_lines
from directory_service.web.links import public_base
from directory_service.web.openapi.matching import ASKED
from directory_service.web.openapi.route import JSON, Answer, Body, Place, Rate, Route, describe, ok
from directory_service.web.openapi.terms import TEXT, record, ref, word
from directory_service.web.parameters import Text, Whole, parse_json, parse_object, read_fields, read_query, refused
from directory_service.web.problemtypes import problem_body
from directory_service.web.reconciliation.asking import reconcile
from directory_service.web.reconciliation.fetching import (
    extend,
    preview,
    proposed,
    suggest_among,
    suggest_entities,
)
from directory_service.web.reconciliation.manifest import BATCH, manifest
from directory_service.web.reconciliation.types import PROPERTIES, TYPES, parse_entity

blueprint = Blueprint("reconcile", __name__)

LIMIT = 1024 * 1024  # octets of a request: BATCH queries with their properties, or 500 entities
QUERY = ("queries", "query", "extend")  # each is JSON
_SUGGESTED = (Text("prefix"), Text("cursor", 10), Text("type"))
_PROPOSED = (Text("type"), Whole("limit", 1, 100, default=100))
_ENTITY = (Text("id", 300, required=True),)
_FORM = "application/x-www-form-urlencoded"
LONGEST = 16 * 1024  # characters of JSON in a query string
_ASKED = tuple(Text(name, LONGEST) for name in QUERY)
_ONE_OF = f"un seul de : {', '.join(QUERY)}"
_FIELDS = record({}, dict.fromkeys(QUERY, TEXT), maxProperties=1, additionalProperties=False)
_KINDS = ("entity", "property", "type")
_LENIENT = "Les paramètres inconnus sont laissés de côté : les clients en ajoutent."
_TAG = "Réconciliation"
_ANSWERED = ok("Le manifeste sans paramètre ; sinon ce qui est demandé", {"anyOf": [
    ref("ReconciliationService"), ref("Reconciled"), ref("Extension"), ref("ReconciledBatch"),
]})  # fmt: skip


@blueprint.get("/v1/reconcile")
@describe(Route(
    "Le service de réconciliation (W3C Reconciliation API 0.2), pour OpenRefine", _TAG, _ANSWERED,
    "Un paramètre au plus, qui contient du JSON ; `query` peut être un simple texte.", query=_ASKED,
    problems=("limit-exceeded", "budget-spent"), rate=Rate.VERIFY,
))  # fmt: skip
def service() -> Response:
    """The manifest, without parameters; else the answer to what the query string asks."""
    given = read_query(request.query_string, _ASKED)
    identify()
    return _asked(_parsed({name: text for name, text in given.items() if text}))


@blueprint.post("/v1/reconcile")
@describe(Route(
    "La même chose, demandée par un formulaire ou par du JSON", _TAG, _ANSWERED,
    body=Body({_FORM: _FIELDS, JSON: ASKED}, "Comme les paramètres de `GET` ; 1 Mio au plus", False),
    problems=("unsupported-media-type", "limit-exceeded", "budget-spent"), rate=Rate.VERIFY,
))  # fmt: skip
def asked() -> Response:
    read_query(request.query_string, ())
    identify()
    return _asked(_body())


def _body() -> dict[str, Any]:
    body = read_body(LIMIT)
    if request.mimetype == "application/json":
        return parse_object(body)
    if request.mimetype != _FORM:
        raise UnsupportedBody("le corps doit être application/x-www-form-urlencoded ou application/json")
    return _form(body)


def _form(raw: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", max_num_fields=len(QUERY))
    except UnicodeDecodeError:
        raise InvalidInput("le texte n'est pas de l'UTF-8 codé en pour cent", where="requête") from None
    except ValueError:
        raise InvalidInput(_ONE_OF, where="requête") from None
    if len(pairs) > 1 or not {name for name, _ in pairs} <= set(QUERY):
        raise InvalidInput(_ONE_OF, where="requête")
    return _parsed(dict(pairs))


def _parsed(fields: dict[str, str]) -> dict[str, Any]:
    """The JSON of each field; ``query`` may be plain text."""
    return {n: v if n == "query" and not v.startswith("{") else _json_of(n, v) for n, v in fields.items()}


def _json_of(name: str, text: str) -> object:
    try:
        return parse_json(text.encode())
    except InvalidInput:
        raise refused(name, "du JSON est attendu") from None


def _asked(given: dict[str, Any]) -> Response:
    if not given:
        return _json(manifest(public_base()))
    if len(given) > 1 or not given.keys() <= set(QUERY):
        raise InvalidInput(_ONE_OF, where="requête")
    ((name, value),) = given.items()
    count = spending()
    answer = _ANSWERS[name](value)
    count(numbered(_entities(answer)))
    return _json(answer)


def _entities(answer: dict[str, Any]) -> Iterator[str]:
    """The identifiers of those that an answer tells of, without their types."""
    results = (answer, *answer.values()) if "rows" not in answer else ()
    named = [c["id"] for held in results if isinstance(held, dict) for c in held.get("result", ())]
    yield from (name.partition("/")[2] for name in (*named, *answer.get("rows", ())))


def _batch(queries: object) -> dict[str, Any]:
    if not isinstance(queries, dict):
        raise InvalidInput("un objet de requêtes est attendu", where="queries")
    if len(queries) > BATCH:
        raise LimitExceeded(f"au plus {BATCH} requêtes à la fois (batchSize)", where="queries")
    part = take_lines(len(queries))
    found = {}
    with directory().held():
        for name, query in queries.items():
            with part():
                found[name] = _result(query)
    faults = [answer for answer in found.values() if isinstance(answer, InvalidInput)]
    if faults and len(faults) == len(found):
        raise faults[0]
    return {name: _told(answer) if isinstance(answer, InvalidInput) else answer for name, answer in found.items()}


def _result(query: object) -> dict[str, Any] | InvalidInput:
    try:
        return {"result": reconcile(directory(), query)}
    except InvalidInput as error:
        return error


def _told(error: InvalidInput) -> dict[str, Any]:
    """What answers a query that does not read, beside others that do: nobody, and why."""
    said = problem_body(error.slug, error.http_status, error.message, error.where)
    return {"result": [], "error": orjson.loads(said)}


def _single(query: object) -> dict[str, Any]:
    """Of versions before 0.2: one query, or its text alone."""
    return {"result": reconcile(directory(), query if isinstance(query, dict) else {"query": query})}


def _extended(asked: object) -> dict[str, Any]:
    return extend(directory(), asked)


_ANSWERS = {"queries": _batch, "query": _single, "extend": _extended}


@blueprint.get("/v1/reconcile/suggest/<kind>")
@describe(Route(
    "Complète un nom pendant la saisie : entités, propriétés, types", _TAG,
    ok("Ce qui commence ainsi", ref("ReconciliationSuggestions")), _LENIENT, query=_SUGGESTED,
    path=(Place("kind", "Ce qui est nommé", word(_KINDS)),), problems=("not-found", "budget-spent"), rate=Rate.SEARCH,
))  # fmt: skip
def suggest(kind: str) -> Response:
    """Completions of a name that is being typed: entities, properties or types."""
    given = _known(_SUGGESTED)
    identify()
    if kind == "entity":
        found: list[Any] = _completed(given["prefix"], given["type"])
    elif kind == "property":
        found = suggest_among(given["prefix"], [p.as_dict() for p in PROPERTIES.values()])
    elif kind == "type":
        found = suggest_among(given["prefix"], [t.as_dict() for t in TYPES.values()])
    else:
        raise NotFound("entity, property ou type")
    skipped = int(given["cursor"]) if given["cursor"].isascii() and given["cursor"].isdigit() else 0
    return _json({"result": found[skipped:]})


def _completed(prefix: str, type_id: str) -> list[dict[str, Any]]:
    count = spending()
    found = suggest_entities(directory(), prefix, type_id)
    count(numbered(_entities({"result": found})))
    return found


def _known(parameters: tuple[Text | Whole, ...]) -> dict[str, Any]:
    """Of a query string, the parameters that are known, each once."""
    names = {p.name for p in parameters}
    return read_fields({n: v for n, v in request.args.items() if n in names}, parameters)


@blueprint.get("/v1/reconcile/properties")
@describe(Route(
    "Les propriétés d'un type, que l'on peut demander", _TAG,
    ok("Les propriétés", ref("ReconciliationProperties")), _LENIENT, query=_PROPOSED,
))  # fmt: skip
def properties() -> Response:
    """What may be fetched for entities of a type."""
    given = _known(_PROPOSED)
    identify()
    return _json(proposed(given["type"], given["limit"] if given["limit"] < 100 else None))


@blueprint.get("/v1/reconcile/preview")
@describe(Route(
    "Quelques lignes sur une entité, pour un cadre", _TAG, ok("Une page", None, "text/html"), query=_ENTITY,
    problems=("not-found",),
))  # fmt: skip
def previewed() -> Response:
    """A few lines in HTML for a frame of another site, which can neither run nor load anything."""
    given = read_query(request.query_string, _ENTITY)
    identify()
    response = Response(preview(directory(), given["id"]), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


@blueprint.get("/v1/reconcile/view")
@describe(Route(
    "Mène à la fiche d'une entité", _TAG,
    {303: Answer("Vers la fiche", None, "text/html", {"Location": "L'adresse de la fiche"})}, query=_ENTITY,
    problems=("not-found",),
))  # fmt: skip
def view() -> AnyResponse:
    """To the record of an entity."""
    given = read_query(request.query_string, _ENTITY)
    identify()
    parsed = parse_entity(given["id"])
    if parsed is None:
        raise NotFound("aucune entité ne porte ce nom")
    kind, identifier = parsed
    endpoint = {"practitioners": "practitioners.practitioner", "organizations": "organizations.organization"}
    named = endpoint.get(kind.folder)
    path = url_for(named, identifier=identifier) if named else url_for("mailboxes.mailbox", address=identifier)
    return redirect(path, 303)


def _json(value: object) -> Response:
    return json_answer(orjson.dumps(value))


@blueprint.after_request
def open_to_pages(response: Response) -> Response:
    """CORS instead of JSONP: nothing here depends on who asks."""
    response.headers.setdefault("Access-Control-Allow-Origin", "*")
    if request.method == "OPTIONS":
        response.headers.setdefault("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
        response.headers.setdefault("Access-Control-Allow-Headers", "Content-Type")
    return response
