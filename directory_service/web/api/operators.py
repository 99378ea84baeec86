"""``GET /v1/operators``, ``/v1/operators/{name}``, ``/v1/domains/{domain}``: the trusted space, which is public; and
the little that an operator writes of itself: its contacts, a new secret.

Contacts name people: operators see them, nobody else does.  Domains, rights, status and client certificates are given
by the staff (``annuaire operator``), never by who profits from them (decision 0022).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from directory_service.errors import Forbidden, InvalidInput
from directory_service.registry.operators import require_active, set_contacts, set_secret
from directory_service.web.answers import cached, json_answer, settled, uncached, with_items, with_record
from directory_service.web.bodies import expect_type, read_body
from directory_service.web.context import directory, identify, publisher
from directory_service.web.openapi.route import JSON, Body, Place, Rate, Route, Who, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Text, body_schema, clean_text, parse_object, read_fields, read_query
from directory_service.web.registry import write_registry

blueprint = Blueprint("operators", __name__)
_NAME = Place("name", "Le nom de l'opérateur", example="essai")
_CONTACTS = (Text("responsible"), Text("support"))
_BODY_LIMIT = 4 * 1024  # bytes


@blueprint.get("/v1/operators")
@describe(Route(
    "Les opérateurs de l'espace de confiance", "Espace de confiance",
    ok("Tous, par nom", ref("Operators")), cached=True,
))  # fmt: skip
def operators() -> Response:
    """All of them, by name, each with the number of its domains."""
    read_query(request.query_string, ())
    view = identify()

    def answer() -> Iterable[bytes]:
        build, found = settled(lambda: directory().operator_records(view))
        return with_items(build, (orjson.dumps(_brief(record)) for record in found))

    return cached(view, answer)


@blueprint.get("/v1/operators/<name>")
@describe(Route(
    "Un opérateur, ses domaines et ses suspensions, avec leurs dates", "Espace de confiance",
    ok("L'opérateur ; ses contacts pour les opérateurs", ref("Operator")),
    path=(_NAME,), problems=("not-found",), cached=True,
))  # fmt: skip
def operator(name: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(name, "name").lower()
    build, found = settled(lambda: directory().operator_record(asked, view))
    return cached(view, lambda: with_record(build, orjson.dumps(found)), build=build)


@blueprint.put("/v1/operators/<name>/contacts")
@describe(Route(
    "Un opérateur donne ses contacts, en entier", "Espace de confiance",
    ok("Les contacts enregistrés", ref("ContactsChanged")), "Ce qui est laissé de côté est retiré.",
    path=(_NAME,), body=Body({JSON: body_schema(_CONTACTS)}), problems=("unsupported-media-type", "busy"),
    who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def contacts(name: str) -> Response:
    """The operator's own, both in full: what is left out, or empty, is taken away."""
    asked = _oneself(name)
    expect_type("application/json")
    given = read_fields(parse_object(read_body(_BODY_LIMIT)), _CONTACTS)
    with write_registry() as connection:
        require_active(connection, asked)
        changed = set_contacts(connection, asked, actor=asked, **given)
    return _private({"name": asked, "changed": changed, "contacts": given})


@blueprint.post("/v1/operators/<name>/secret")
@describe(Route(
    "Un opérateur change son secret", "Espace de confiance", ok("Le nouveau, dit une seule fois", ref("NewSecret")),
    path=(_NAME,), problems=("busy", "too-large"), who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def secret(name: str) -> Response:
    """A new secret of the operator's own, told once.  The one that it asked with opens for ten minutes more, in case
    that the answer is lost; any other opens nothing once the index has followed."""
    asked = _oneself(name)
    if read_body(_BODY_LIMIT):
        raise InvalidInput("le corps doit être vide", where="corps")
    with write_registry() as connection:
        require_active(connection, asked)
        made = set_secret(connection, asked, actor=asked, used=g.secret_hash or None)
    return _private({"name": asked, "secret": made})


def _oneself(name: str) -> str:
    """The caller, which is the operator named.  Raises BadCredentials, Forbidden in the same words whether another of
    that name exists or not."""
    read_query(request.query_string, ())
    asked, caller = clean_text(name, "name").lower(), publisher()
    if asked != caller:
        raise Forbidden("un opérateur ne change que ce qui est de lui")
    return caller


def _private(told: dict[str, Any]) -> Response:
    return uncached(json_answer(orjson.dumps(told)))


@blueprint.get("/v1/domains/<domain>")
@describe(Route(
    "Qui tient ou a tenu un domaine", "Espace de confiance", ok("Le domaine", ref("Domain")),
    path=(Place("domain", "Un domaine de messagerie", example="medecin.mssante.fr"),),
    problems=("not-found",), cached=True,
))  # fmt: skip
def domain(domain: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(domain, "domain", 253)
    build, found = settled(lambda: directory().domain_record(asked))
    return cached(view, lambda: with_record(build, orjson.dumps(found)), build=build)


def _brief(record: dict[str, Any]) -> dict[str, Any]:
    held = {d["name"] for d in record["domains"] if d["until"] is None}
    shown = ("name", "label", "structure", "status", "since")
    return {**{name: record[name] for name in shown}, "domains": len(held)}
