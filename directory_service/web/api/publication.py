"""What operators publish: ``PUT``, ``PATCH``, ``DELETE`` of one mailbox, ``POST /v1/mailboxes/batch`` of thousands.

Only translates: what a body may hold is ``model.publication``, what becomes of it ``registry.publishing``.  A write
waits for the registry a few seconds at most (``registry.desk``); what is written is seen by readers once the follower
has put it into the index, at the build whose last number is ``seq`` or more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import AnnuaireError, InvalidInput, LimitExceeded
from directory_service.index.query import View
from directory_service.model.publication import InvalidField, invalid, parse_address, parse_publication
from directory_service.registry.clock import now_text
from directory_service.registry.journal import last_seq
from directory_service.registry.publishing import Done, Order, Publisher, as_publication, require_publisher
from directory_service.registry.replays import Answer, Ticket
from directory_service.web.answers import json_answer, settled, uncached, with_record
from directory_service.web.bodies import BATCH_LIMIT, BODY_LIMIT, expect_type, lines_of, read_body
from directory_service.web.context import directory, patient_domain, publisher, require_own, settings
from directory_service.web.openapi.route import JSON, LINES, MERGE, Body, Place, Rate, Route, Who, describe, ok
from directory_service.web.openapi.route import Answer as Described
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import parse_json, read_query
from directory_service.web.problemtypes import problem_body
from directory_service.web.registry import write_registry

blueprint = Blueprint("publication", __name__)

CHUNK = 500  # lines of one transaction: others write in between, about a tenth of a second later
_JSON, _PATCH = ("application/json",), ("application/merge-patch+json", "application/json")
_LINES = ("application/x-ndjson", "application/ndjson")
_ADDRESS = Place("address", "L'adresse, d'un domaine de l'opérateur", example="zoe.d-essai@medecin.mssante.fr")
_ONCE = Place(
    "Idempotency-Key",
    "La même requête, répétée, reçoit la même réponse",
    {"type": "string", "pattern": r'^\s*"?[!#-~]{1,255}"?\s*$'},
)
_IF = (_ONCE, Place("If-Match", "La version attendue"), Place("If-None-Match", "`*` : la boîte doit être nouvelle",
                                                             {"type": "string", "enum": ["*"]}))  # fmt: skip
_REFUSED = ("not-found", "conflict", "gone", "precondition-failed", "invalid-field", "key-reused", "key-in-use", "busy")
_DONE = {status: Described(text, ref("Done"), JSON, {"ETag": "La version de la boîte"})
         for status, text in ((200, "Ce qui a été fait"), (201, "La boîte est nouvelle"))}  # fmt: skip
_EVER = "9999"  # after every instant
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?', re.ASCII)  # a string of RFC 8941, or what most send: without quotes


@blueprint.put("/v1/mailboxes/<address:address>")
@describe(Route(
    "Publie une boîte, telle que le corps la dit", "Publication", _DONE,
    path=(_ADDRESS,), headers=_IF, body=Body({JSON: ref("Publication")}),
    problems=(*_REFUSED, "unsupported-media-type"), who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def put(address: str) -> Response:
    """The mailbox is this; created (201), changed, moved, opened again or left as it was (200)."""
    return _write(address, _JSON, parse_publication)


@blueprint.patch("/v1/mailboxes/<address:address>")
@describe(Route(
    "Change une boîte (RFC 7396)", "Publication", {200: _DONE[200]},
    path=(_ADDRESS,), headers=_IF, body=Body({MERGE: ref("PublicationPatch"), JSON: ref("PublicationPatch")}),
    problems=(*_REFUSED, "unsupported-media-type"), who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def patch(address: str) -> Response:
    """RFC 7396, on the body as ``PUT`` would take it."""
    return _write(address, _PATCH, _object)


@blueprint.delete("/v1/mailboxes/<address:address>")
@describe(Route(
    "Ferme une boîte", "Publication", {200: _DONE[200]},
    path=(_ADDRESS,), headers=_IF, problems=(*_REFUSED, "too-large"), who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def close(address: str) -> Response:
    """Closed, never deleted: who held it until when stays known."""
    return _write(address, None, lambda _body: None)


@blueprint.get("/v1/mailboxes/<address:address>/publication")
@describe(Route(
    "Une boîte de l'opérateur, sous la forme où elle se publie", "Publication",
    ok("La boîte, ouverte ou fermée", ref("Published"), ETag="La version de la boîte"),
    path=(_ADDRESS,), problems=("not-found", "invalid-field"), who=Who.OPERATORS,
))  # fmt: skip
def publication(address: str) -> Response:
    """A mailbox of a domain of the caller's, unlisted or closed too, in the form in which it is published; read from
    the index, so that it is there when the registry is not."""
    read_query(request.query_string, ())
    name, asked = publisher(), parse_address(address, patient_domain())
    require_own(name, asked)
    build, record = settled(lambda: directory().mailbox(asked, View.STAFF))
    shown = {"address": asked, "status": record["status"], "version": record["version"]}
    body = b"".join(with_record(build, orjson.dumps(shown | {"publication": _published(record)})))
    return _tagged(json_answer(body), record["version"])


@blueprint.post("/v1/mailboxes/batch")
@describe(Route(
    "Publie des boîtes par milliers, une par ligne", "Publication",
    ok("Une ligne de réponse par ligne, dans l'ordre", ref("Outcome"), LINES),
    "Chaque ligne est le corps d'un `PUT` avec `address`, et au besoin `op` (`put`, `patch`, `close`) et `if_match`.",
    headers=(_ONCE,), body=Body(dict.fromkeys(_LINES), "10 000 lignes et 8 Mio au plus"),
    problems=("unsupported-media-type", "limit-exceeded", "key-reused", "key-in-use", "busy"),
    who=Who.OPERATORS, rate=Rate.BATCH, asks=False,
))  # fmt: skip
def batch() -> Response:
    """One order a line, one outcome a line, in their order; a line that is refused does not stop the others."""
    read_query(request.query_string, ())
    name = publisher()
    expect_type(*_LINES)
    raw = read_body(BATCH_LIMIT)
    lines = lines_of(raw)
    ticket = _ticket(name, raw)
    if ticket:
        with write_registry() as connection:
            require_publisher(connection, name)
            if before := ticket.take(connection):
                return _answered(before)
    try:
        done = _in_chunks(name, lines)
        answer = Answer(200, b"".join(_outcome(n, one) + b"\n" for n, one in enumerate(done, 1)))
        if ticket:
            with write_registry() as connection:
                ticket.keep_answer(connection, answer)
    except BaseException:
        if ticket:
            with suppress(AnnuaireError), write_registry() as connection:  # else it goes by itself, after a while
                ticket.let_go(connection)
        raise
    return _answered(answer)


# --- one mailbox -----------------------------------------------------------------------------------------------------


def _write(address: str, types: tuple[str, ...] | None, parse: Callable[[object], Any]) -> Response:
    read_query(request.query_string, ())
    name = publisher()
    if types:
        expect_type(*types)
    raw = read_body()
    wish = parse(parse_json(raw)) if types else None
    order = Order(parse_address(address, patient_domain()), wish, _versions("If-Match"), _must_be_new())
    ticket = _ticket(name, raw)
    with write_registry() as connection:
        allowed = Publisher(connection, name, now_text())  # before an answer is given again, too
        if ticket and (before := ticket.find(connection)):
            return _answered(before)
        done = allowed.do(order)
        answer = Answer(_status(done), orjson.dumps(_told(done) | {"seq": last_seq(connection)}), done.version)
        if ticket:
            ticket.keep_answer(connection, answer)
    return _answered(answer)


def _told(done: Done) -> dict[str, Any]:
    state = done.state
    told: dict[str, Any] = {
        "address": state.address,
        "status": "closed" if state.until else "open",
        "version": done.version,
    }
    told |= {"changed": bool(done.act), "act": done.act or None}
    return told if state.until else told | {"publication": as_publication(state).as_dict()}


def _status(done: Done) -> int:
    return 201 if done.act == "create" else 200


def _answered(answer: Answer) -> Response:
    kind = "application/json" if answer.version else "application/x-ndjson"
    return _tagged(Response(answer.body, answer.status, content_type=kind), answer.version)


def _tagged(response: Response, version: str) -> Response:
    if version:
        response.headers["ETag"] = f'"{version}"'
    return uncached(response)


# --- a batch ---------------------------------------------------------------------------------------------------------


def _in_chunks(name: str, lines: list[bytes]) -> list[Done | AnnuaireError]:
    """Outcomes, line by line.  What stops the first transaction stops the batch, nothing being written; later, the
    lines that are left are answered by it."""
    done: list[Done | AnnuaireError] = []
    for start in range(0, len(lines), CHUNK):
        some = [_order(line) for line in lines[start : start + CHUNK]]
        try:
            done += _one_chunk(name, some)
        except AnnuaireError as error:
            if not done:
                raise
            return done + [error] * (len(lines) - len(done))
    return done


def _one_chunk(name: str, some: list[Order | AnnuaireError]) -> list[Done | AnnuaireError]:
    with write_registry() as connection:
        found = iter(Publisher(connection, name, now_text()).do_all([o for o in some if isinstance(o, Order)]))
        return [next(found) if isinstance(o, Order) else o for o in some]


def _nothing(rest: dict[str, Any]) -> None:
    if rest:
        raise invalid("", "fermer ne demande que l'adresse")


_OPS: dict[object, Callable[[dict[str, Any]], Any]] = {
    "put": parse_publication,
    "patch": dict,
    "close": _nothing,
}


def _order(line: bytes) -> Order | AnnuaireError:
    try:
        if len(line) > BODY_LIMIT:
            raise LimitExceeded(f"au plus {BODY_LIMIT} octets par ligne")
        given = _object(parse_json(line))
        address, op, version = (given.pop(k, None) for k in ("address", "op", "if_match"))
        if not isinstance(address, str):
            raise invalid("address", "une adresse est attendue")
        read = _OPS.get(op or "put") if isinstance(op, str | None) else None
        if read is None:
            raise invalid("op", f"un de ces mots est attendu : {', '.join(map(str, _OPS))}")
        if not isinstance(version, str | None):
            raise invalid("if_match", "un texte est attendu")
        versions = None if version is None else frozenset([version])
        return Order(parse_address(address, patient_domain()), read(given), versions)
    except AnnuaireError as error:
        return error


def _outcome(number: int, done: Done | AnnuaireError) -> bytes:
    if isinstance(done, AnnuaireError):
        problem = problem_body(done.slug, done.http_status, done.message, done.where)
        return b'{"line":%d,"status":%d,"problem":%s}' % (number, done.http_status, problem)
    told: dict[str, Any] = {"line": number, "status": _status(done), "changed": bool(done.act), "act": done.act or None}
    return orjson.dumps(told | {"version": done.version})


# --- what a request says ---------------------------------------------------------------------------------------------


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidField("un objet JSON est attendu", where="corps")
    return body


def _versions(header: str) -> frozenset[str] | None:
    """The versions that ``If-Match`` names: the end of each strong tag, be it of a write or of ``GET``."""
    given = request.headers.get(header)
    if given is None:
        return None
    if given.strip() == "*":
        return frozenset("*")
    tags = [tag.strip() for tag in given.split(",")]
    strong = [tag[1:-1] for tag in tags if len(tag) > 2 and tag[0] == tag[-1] == '"']
    return frozenset(tag.rpartition("-")[2] for tag in strong) - {"*"}


def _must_be_new() -> bool:
    given = request.headers.get("If-None-Match")
    if given is not None and given.strip() != "*":
        raise InvalidInput("seul * est compris", where="If-None-Match")
    return given is not None


def _ticket(name: str, raw: bytes) -> Ticket | None:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    key = _KEY.fullmatch(given.strip())
    if key is None:
        raise InvalidInput("1 à 255 caractères ASCII visibles sont attendus", where="Idempotency-Key")
    conditions = [request.headers.get(h, "") for h in ("If-Match", "If-None-Match")]
    told = "\0".join([request.method, request.path, *conditions]).encode()
    known = settings()
    return Ticket(
        name, key[1], hashlib.sha256(told + b"\0" + raw).hexdigest(), known.publication_replay if known else 0.0
    )


def _published(record: dict[str, Any]) -> dict[str, Any]:
    """The record as the body of a ``PUT``; its first holder of today, who is the only one of a box that was published;
    of a closed one, the last there was."""
    held: dict[str, Any] = max(record["holders"], key=lambda h: h["until"] or _EVER, default={})
    person = held["id"] if held.get("kind") == "person" else ""
    structure = (held.get("structure") or {}).get("id", "")
    names = ("service", "description", "responsible", "paperless", "rank")
    told = {n: held[n] for n in names if held.get(n) is not None}
    holder = {k: v for k, v in (("person", person), ("structure", structure)) if v}
    both = {"unlisted": record["unlisted"], "preferred": bool(held.get("preferred"))}
    return {"type": record["type"], "holder": holder, **told, **both,
            "purposes": record["purposes"], "contacts": record["contacts"]}  # fmt: skip
