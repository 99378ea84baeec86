"""``/v1/log/…``: the transparency log for who wants to check it: signed head, proofs, leaves.

Anonymous callers get hashes, which say nothing of anybody; an operator also gets the events themselves, but those of
mailboxes of other operators that are unlisted, and of bindings that ended in one that was.  Read from the registry:
503 while it is down.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from directory_service.index.query import View
from directory_service.model.mailboxes import domain_of
from directory_service.registry.logread import Leaf, read_consistency, read_head, read_inclusion, read_leaves
from directory_service.web.answers import json_answer, varies
from directory_service.web.context import directory, identify
from directory_service.web.openapi.route import Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Whole, read_query, refused
from directory_service.web.registry import read_registry

blueprint = Blueprint("log", __name__)
MOST = 1_000  # leaves of one answer: a quarter of a megabyte with their events
_LARGEST = 999_999_999  # of what ``Whole`` reads
_HEAD = (Whole("size", 0, _LARGEST, 0),)
_LEAF = (Whole("leaf", 0, _LARGEST, -1), Whole("size", 1, _LARGEST, -1))
_TREES = (Whole("from", 1, _LARGEST, -1), Whole("to", 1, _LARGEST, -1))
_PAGE = (Whole("start", 0, _LARGEST, 0), Whole("count", 1, MOST, 100))
_FOR_EVER = "public, max-age=31536000, immutable"  # of sizes that are given: they never change


@blueprint.get("/v1/log/head")
@describe(Route(
    "La dernière tête signée du journal de transparence, ou celle d'une taille", "Journal",
    ok("La tête", ref("LogHead")), query=_HEAD, problems=("not-found",),
))  # fmt: skip
def head() -> Response:
    """The last signed head, or that of ``size``."""
    asked = read_query(request.query_string, _HEAD)
    with read_registry() as connection:
        found = read_head(connection, asked["size"] or None)
    body = {"size": found.size, "root": found.root, "at": found.at, "jws": found.jws}
    return _answer(body, "public, max-age=10")


@blueprint.get("/v1/log/proof/inclusion")
@describe(Route(
    "La preuve qu'une feuille est dans l'arbre d'une taille", "Journal",
    ok("La preuve", ref("Inclusion")), query=_LEAF, problems=("not-found",),
))  # fmt: skip
def inclusion() -> Response:
    asked = read_query(request.query_string, _LEAF)
    leaf, size = _required(asked, "leaf", "size")
    with read_registry() as connection:
        digest, path, root = read_inclusion(connection, leaf, size)
    body = {"leaf": leaf, "size": size, "hash": digest.hex(), "path": _hex(path), "root": root.hex()}
    return _answer(body, _FOR_EVER)


@blueprint.get("/v1/log/proof/consistency")
@describe(Route(
    "La preuve qu'un arbre est le début d'un autre", "Journal",
    ok("La preuve", ref("Consistency")), query=_TREES, problems=("not-found",),
))  # fmt: skip
def consistency() -> Response:
    asked = read_query(request.query_string, _TREES)
    old, new = _required(asked, "from", "to")
    with read_registry() as connection:
        old_root, path, new_root = read_consistency(connection, old, new)
    body = {"from": old, "to": new, "path": _hex(path), "from_root": old_root.hex(), "to_root": new_root.hex()}
    return _answer(body, _FOR_EVER)


@blueprint.get("/v1/log/entries")
@describe(Route(
    "Des feuilles du journal : leurs empreintes, et aux opérateurs les événements", "Journal",
    ok("Les feuilles, dans l'ordre", ref("LogEntries")), query=_PAGE, problems=("not-found",),
))  # fmt: skip
def entries() -> Response:
    asked = read_query(request.query_string, _PAGE)
    view = identify()
    own = _domains(view)
    with read_registry() as connection:
        leaves = read_leaves(connection, asked["start"], asked["count"])
    items = [{"leaf": leaf.number, "hash": leaf.hash.hex(), **_event(leaf, own)} for leaf in leaves]
    response = _answer({"start": asked["start"], "items": items}, "private, no-store")
    response.headers["Vary"] = varies()
    return response


def _domains(view: View) -> frozenset[str] | None:
    """Those of the operator who asks; None for who is none."""
    if view < View.OPERATOR:
        return None
    operator = directory().operator(g.operator)
    return frozenset(operator.domains if operator else ())


def _event(leaf: Leaf, own: frozenset[str] | None) -> dict[str, Any]:
    """``data`` is the text whose UTF-8 was hashed.  What is withheld is told by its hash alone: of an unlisted mailbox,
    of a binding that ended in one, of when it was one, and of one that the registry does not hold any more, which may
    have been."""
    if own is None:
        return {}
    known = leaf.address if leaf.address is not None else str(orjson.loads(leaf.data)["address"])
    if leaf.unlisted is False or domain_of(known) in own:
        return {"data": leaf.data.decode()}
    return {}


def _required(asked: dict[str, Any], *names: str) -> tuple[int, int]:
    for name in names:
        if asked[name] < 0:
            raise refused(name, "ce paramètre est obligatoire")
    one, other = (int(asked[name]) for name in names)
    return one, other


def _hex(path: list[bytes]) -> list[str]:
    return [step.hex() for step in path]


def _answer(body: dict[str, Any], caching: str) -> Response:
    response = json_answer(orjson.dumps(body))
    response.headers["Cache-Control"] = caching
    return response
