"""``/v1/mailboxes/{address}/certificates``: the S/MIME certificates of a mailbox, read by anybody who sees it and
published by the operator that holds its domain.

What is read comes from the index, and so within a second of what was written; what is out of date is never given, and
no cache outlives a certificate.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from textwrap import wrap

import orjson
from flask import Blueprint, Response, g, request

from directory_service.errors import NotFound
from directory_service.index.smime import Published
from directory_service.model.certificates import MailCertificate
from directory_service.model.mailboxes import lowered
from directory_service.registry.certificates import Box, add_certificates, own_box, remove_certificate
from directory_service.registry.certificates import replace_certificates as replace
from directory_service.trust.smime import MOST_OCTETS, Certificate, MailTrust, Owner, owned, read_upload, trust_of, vet
from directory_service.web.answers import json_answer, uncached
from directory_service.web.api.mailboxes import ADDRESS
from directory_service.web.bodies import read_body
from directory_service.web.context import directory, identify, publisher, require_own, settings
from directory_service.web.openapi.route import JSON, Answer, Body, Place, Rate, Route, Who, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import LONGEST_ADDRESS, Choice, clean_text, read_query
from directory_service.web.registry import write_registry

blueprint = Blueprint("certificates", __name__)
_ROUTE = "/v1/mailboxes/<address:address>/certificates"
PARAMETERS = (Choice("format", ("json", "pem")),)
_HASH = Place("sha256", "SHA-256 du certificat, en hexadécimal", example="0" * 64)
_SENT = Body({"application/pkix-cert": None, "application/x-pem-file": None}, "DER ou PEM, 64 Kio au plus", False)
_REFUSED = ("not-found", "certificate-refused", "conflict", "busy", "too-large", "limit-exceeded")


@blueprint.get(_ROUTE)
@describe(Route(
    "Les certificats S/MIME d'une boîte ouverte, le plus récent en premier", "Certificats",
    {200: Answer("En JSON, ou en PEM avec `format=pem`", ref("Certificates"), also={"application/x-pem-file": None})},
    query=PARAMETERS, path=(ADDRESS,), problems=("not-found",),
))  # fmt: skip
def certificates(address: str) -> Response:
    asked = read_query(request.query_string, PARAMETERS)
    found = _visible(address)
    if asked["format"] == "pem":
        text = "".join(_pem(c.der) for c in found)
        return uncached(Response(text, content_type="application/x-pem-file"))
    items = [{**c.json, "der": b64encode(c.der).decode()} for c in found]
    return uncached(json_answer(orjson.dumps({"build": directory().build().id, "items": items})))


@blueprint.get(_ROUTE + "/<sha256>")
@describe(Route(
    "Un certificat, en DER", "Certificats", ok("Le certificat", None, "application/pkix-cert"),
    path=(ADDRESS, _HASH), problems=("not-found",),
))  # fmt: skip
def certificate(address: str, sha256: str) -> Response:
    """RFC 2585 4.1."""
    read_query(request.query_string, ())
    for found in _visible(address):
        if found.sha256 == sha256.lower():
            return uncached(Response(found.der, content_type="application/pkix-cert"))
    raise NotFound("aucun certificat n'a cette empreinte")


def _visible(address: str) -> list[Published]:
    """Of an open mailbox that the caller may see.  Raises NotFound."""
    view, asked = identify(), _address(address)
    if directory().mailbox(asked, view)["status"] != "open":
        raise NotFound("aucune boîte ouverte ne porte cette adresse")
    return directory().certificates_of(asked)


@blueprint.post(_ROUTE)
@describe(Route(
    "Publie des certificats en plus de ceux qui le sont", "Certificats",
    {status: Answer(text, ref("CertificatesChanged"), JSON) for status, text in
     ((200, "Ils l'étaient déjà"), (201, "Un au moins est nouveau"))},
    path=(ADDRESS,), body=_SENT, problems=_REFUSED, who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def add(address: str) -> Response:
    """Beside those that are published."""
    asked = _own(address)
    vetted = _vetted(read_body(MOST_OCTETS), asked)
    with write_registry() as connection:
        box = own_box(connection, g.operator, asked)
        good = _owned(vetted, box)
        added = add_certificates(connection, box, good, actor=g.operator)
    return _done(asked, good, added, [], 201 if added else 200)


@blueprint.put(_ROUTE)
@describe(Route(
    "Publie ces certificats et aucun autre", "Certificats",
    ok("Ce qui a changé", ref("CertificatesChanged")), "Un corps vide n'en laisse aucun.",
    path=(ADDRESS,), body=_SENT, problems=_REFUSED, who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def put(address: str) -> Response:
    """In the place of those that are published; an empty body leaves none."""
    asked = _own(address)
    body = read_body(MOST_OCTETS)
    vetted = _vetted(body, asked) if body else []
    with write_registry() as connection:
        box = own_box(connection, g.operator, asked)
        good = _owned(vetted, box)
        added, removed = replace(connection, box, good, actor=g.operator)
    return _done(asked, good, added, removed)


@blueprint.delete(_ROUTE + "/<sha256>")
@describe(Route(
    "Retire un certificat", "Certificats", ok("Ce qui a changé", ref("CertificatesChanged")),
    path=(ADDRESS, _HASH), problems=("not-found", "busy"), who=Who.OPERATORS, rate=Rate.WRITE, asks=False,
))  # fmt: skip
def remove(address: str, sha256: str) -> Response:
    asked = _own(address)
    with write_registry() as connection:
        remove_certificate(connection, own_box(connection, g.operator, asked), sha256.lower(), actor=g.operator)
    return _done(asked, [], [], [sha256.lower()])


def _own(address: str) -> str:
    """The address that an operator means to change.  Raises BadCredentials for anybody else."""
    read_query(request.query_string, ())
    publisher()
    return _address(address)


def _address(text: str) -> str:
    return lowered(clean_text(text, "address", LONGEST_ADDRESS))


def _trust() -> MailTrust:
    known = settings()
    return trust_of(known.smime_anchors, known.smime_crl) if known else MailTrust()


def _vetted(body: bytes, address: str) -> list[Certificate]:
    """Chains are verified before the registry is held, and for who holds the domain alone."""
    require_own(g.operator, address)
    (found, given), trust, now = read_upload(body), _trust(), datetime.now(UTC)
    for certificate in found:
        vet(certificate, trust, now, given)
    return found


def _owned(vetted: list[Certificate], box: Box) -> list[MailCertificate]:
    return [owned(certificate, Owner(box.address, box.structures)) for certificate in vetted]


def _done(address: str, good: list[MailCertificate], added: list[str], removed: list[str], status: int = 200
          ) -> Response:  # fmt: skip
    said = {
        "address": address,
        "changed": bool(added or removed),
        "published": [c.sha256 for c in good],
        "added": added,
        "removed": removed,
    }
    return uncached(json_answer(orjson.dumps(said), status))


def _pem(der: bytes) -> str:
    lines = "\n".join(wrap(b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
