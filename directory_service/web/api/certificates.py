"""``/v1/mailboxes/{address}/certificates``: the S/MIME certificates of a mailbox, read by anybody who sees it and
published by the operator that holds its domain.

What is read comes from the index, and so within a second of what was written; what is out of date is never given.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from textwrap import wrap

import orjson
from flask import Blueprint, Response, current_app, g, request

from directory_service.errors import Forbidden, NotFound
from directory_service.index.smime import Published
from directory_service.model.certificates import MailCertificate
from directory_service.registry.certificates import Box, add_certificates, get_box, remove_certificate
from directory_service.registry.certificates import replace_certificates as replace
from directory_service.trust.access import BadCredentials
from directory_service.trust.smime import MOST_OCTETS, MailTrust, Owner, check, read_upload, trust_of
from directory_service.web.context import directory, identify, json_answer, read_body
from directory_service.web.parameters import LONGEST_ADDRESS, Choice, clean_text, read_query
from directory_service.web.registry import writing_soon

blueprint = Blueprint("certificates", __name__)
_ROUTE = "/v1/mailboxes/<address>/certificates"
PARAMETERS = (Choice("format", ("json", "pem")),)


@blueprint.get(_ROUTE)
def certificates(address: str) -> Response:
    asked = read_query(request.query_string, PARAMETERS)
    found = _visible(address)
    if asked["format"] == "pem":
        text = "".join(_pem(c.der) for c in found)
        return _private(Response(text, content_type="application/x-pem-file"))
    items = [{**c.json, "der": b64encode(c.der).decode()} for c in found]
    return _private(json_answer(orjson.dumps({"build": directory().build().id, "items": items})))


@blueprint.get(_ROUTE + "/<sha256>")
def certificate(address: str, sha256: str) -> Response:
    """RFC 2585 4.1."""
    read_query(request.query_string, ())
    for found in _visible(address):
        if found.sha256 == sha256.lower():
            return _private(Response(found.der, content_type="application/pkix-cert"))
    raise NotFound("pas de certificat de cette empreinte")


def _visible(address: str) -> list[Published]:
    """Of an open mailbox that the caller may see.  Raises NotFound."""
    view, asked = identify(), _address(address)
    if directory().mailbox(asked, view)["status"] != "open":
        raise NotFound("pas de boîte ouverte de cette adresse")
    return directory().certificates_of(asked)


@blueprint.post(_ROUTE)
def add(address: str) -> Response:
    """Beside those that are published."""
    asked = _own(address)
    body, trust = read_body(MOST_OCTETS), _trust()
    with writing_soon() as connection:
        box = get_box(connection, asked)
        good = _checked(body, box, trust)
        added = add_certificates(connection, box, good, actor=g.operator)
    return _done(asked, good, added, [], 201 if added else 200)


@blueprint.put(_ROUTE)
def put(address: str) -> Response:
    """In the place of those that are published; an empty body leaves none."""
    asked = _own(address)
    body, trust = read_body(MOST_OCTETS), _trust()
    with writing_soon() as connection:
        box = get_box(connection, asked)
        good = _checked(body, box, trust) if body else []
        added, removed = replace(connection, box, good, actor=g.operator)
    return _done(asked, good, added, removed)


@blueprint.delete(_ROUTE + "/<sha256>")
def remove(address: str, sha256: str) -> Response:
    asked = _own(address)
    with writing_soon() as connection:
        remove_certificate(connection, get_box(connection, asked), sha256.lower(), actor=g.operator)
    return _done(asked, [], [], [sha256.lower()])


def _own(address: str) -> str:
    """The address, which is of a domain of the caller's.  Raises BadCredentials, Forbidden."""
    read_query(request.query_string, ())
    identify()
    asked = _address(address)
    if not g.operator:
        raise BadCredentials("seul un opérateur authentifié publie des certificats")
    if g.operator not in directory().operators_of(asked.rpartition("@")[2]):
        raise Forbidden("ce domaine n'est pas de ceux que vous tenez")
    operator = directory().operator(g.operator)
    if operator is None or "publish" not in operator.rights:
        raise Forbidden("cet opérateur n'a pas le droit de publier")
    return asked


def _address(text: str) -> str:
    return clean_text(text, "address", LONGEST_ADDRESS).lower()


def _trust() -> MailTrust:
    settings = current_app.config["ANNUAIRE"]
    return trust_of(settings.smime_anchors, settings.smime_crl) if settings else MailTrust()


def _checked(body: bytes, box: Box, trust: MailTrust) -> list[MailCertificate]:
    found, given = read_upload(body)
    now = datetime.now(UTC)
    return [check(c, Owner(box.address, box.structures), trust, now, given) for c in found]


def _done(address: str, good: list[MailCertificate], added: list[str], removed: list[str], status: int = 200
          ) -> Response:  # fmt: skip
    said = {
        "address": address,
        "changed": bool(added or removed),
        "published": [c.sha256 for c in good],
        "added": added,
        "removed": removed,
    }
    return _private(json_answer(orjson.dumps(said), status))


def _private(response: Response) -> Response:
    """No cache outlives a certificate."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _pem(der: bytes) -> str:
    lines = "\n".join(wrap(b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
