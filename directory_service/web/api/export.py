"""``GET /v1/export/{form}``: the whole public directory as the last ``annuaire export --publish`` wrote it, for
operators; resumable (RFC 9110 14, ``Range`` and ``If-Range``), and signed apart.
"""

from __future__ import annotations

from flask import Blueprint, Response, request, send_file

from directory_service.errors import NotFound
from directory_service.index.query import View
from directory_service.trust.access import BadCredentials
from directory_service.trust.exports import FORMS, Published, read_published
from directory_service.web.answers import expect_state, varies
from directory_service.web.context import identify, settings
from directory_service.web.openapi.route import Answer, Place, Rate, Route, Who, describe, ok
from directory_service.web.parameters import read_query

blueprint = Blueprint("export", __name__)
_FORM = Place("form", "Le format de l'export", {"type": "string", "enum": [*FORMS]})
_BUILD = {"Annuaire-Build": "L'état de l'annuaire qui a été exporté", "ETag": "L'empreinte du fichier"}
_TYPES = dict.fromkeys(FORMS.values())
_ANY = next(iter(_TYPES))
_WHOLE = Answer("Le fichier entier", None, _ANY, _BUILD, _TYPES)
_PART = Answer("L'intervalle demandé", None, _ANY, {**_BUILD, "Content-Range": "Ce qu'il est"}, _TYPES)


@blueprint.get("/v1/export/<form>")
@describe(Route(
    "L'annuaire public entier, tel que publié en dernier", "Échanges", {200: _WHOLE, 206: _PART},
    "Reprend où l'on veut : `Range`, `If-Range`. Signé à part.",
    path=(_FORM,), headers=(Place("Range", "`bytes=…`, un seul intervalle"),),
    problems=("not-found", "precondition-failed", "range-not-satisfiable"),
    who=Who.OPERATORS, rate=Rate.EXPORT, cached=True,
))  # fmt: skip
def export(form: str) -> Response:
    found = _found(form)
    expect_state(found.said.sha256)
    _keep_one_range()
    response = send_file(
        found.file.absolute(),
        mimetype=FORMS[form],
        conditional=True,
        etag=found.said.sha256,
        download_name=found.file.name,
    )
    return _guarded(response, found)


@blueprint.get("/v1/export/<form>/signature")
@describe(Route(
    "Ce qu'est le fichier d'un export, signé", "Échanges",
    ok("Un JWS en forme compacte", None, "application/jose", **{"Annuaire-Build": _BUILD["Annuaire-Build"]}),
    path=(_FORM,), problems=("not-found",), who=Who.OPERATORS, rate=Rate.EXPORT,
))  # fmt: skip
def signature(form: str) -> Response:
    """The JWS of what the file is: ``trust.exports.Exported``."""
    found = _found(form)
    return _guarded(Response(found.jws, content_type="application/jose"), found)


def _keep_one_range() -> None:
    """What werkzeug would refuse, RFC 9110 has ignored (14.2): other methods, other units, what does not read; and it
    may be for several ranges.  The file comes whole."""
    asked = request.range
    if request.method != "GET" or asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        request.environ.pop("HTTP_RANGE", None)


def _found(form: str) -> Published:
    read_query(request.query_string, ())
    if identify() < View.OPERATOR:
        raise BadCredentials("les exports complets sont pour les opérateurs")
    known = settings()
    if form not in FORMS or known is None:
        raise NotFound("il n'existe pas d'export dans ce format")
    return read_published(known.data / "exports", form)


def _guarded(response: Response, found: Published) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = varies()
    response.headers["Annuaire-Build"] = found.said.build
    return response
