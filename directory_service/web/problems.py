"""Errors as RFC 9457 problem details: one JSON shape for every failure of the HTTP face, Flask's own included.

No problem repeats what was asked: neither the query, nor the path, nor a name.  What went wrong inside is logged as
types and lines of code only, under the incident number that the caller receives, since the message of an exception
may hold the text of a query.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from types import MappingProxyType

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from directory_service.errors import AnnuaireError, NotFound, TooManyRequests, damaged
from directory_service.web.openapi.route import Place, Rate, Route, describe, ok

MIMETYPE = "application/problem+json"
log = logging.getLogger("annuaire.http")

# slug: (title, what the page of the problem says)
PROBLEMS = MappingProxyType(
    {
        "invalid-input": ("Requête mal formée", "Un paramètre n'a pas la forme attendue ; `where` dit lequel."),
        "not-found": ("Introuvable", "Rien ne porte ce nom dans l'annuaire, ou rien que vous puissiez voir."),
        "cursor-expired": ("Curseur expiré", "Ce qui a suivi n'est plus gardé : recommencez par un export complet."),
        "forbidden": ("Accès refusé", "Votre identité est connue, mais elle ne donne pas ce droit."),
        "bad-credentials": (
            "Authentification refusée",
            "Le secret ou le certificat présenté n'est celui d'aucun opérateur.",
        ),
        "conflict": ("Conflit", "Une décision de l'équipe, ou l'état de la boîte, s'y oppose ; `detail` dit quoi."),
        "gone": ("Boîte fermée", "La boîte est fermée : `PUT` la rouvre."),
        "precondition-failed": (
            "État inattendu",
            "Ce qui est demandé n'est pas dans l'état annoncé : relisez-le, puis réessayez.",
        ),
        "invalid-field": ("Champ refusé", "Un champ de la boîte n'est pas comme il doit être ; `where` le nomme."),
        "key-reused": (
            "Clé déjà employée",
            "Cette `Idempotency-Key` a servi à une autre requête : prenez-en une autre.",
        ),
        "key-in-use": (
            "Requête en cours",
            "La même requête, avec cette `Idempotency-Key`, est en cours : renvoyez-la après `Retry-After`.",
        ),
        "limit-exceeded": ("Limite atteinte", "La recherche demande plus de travail que la limite documentée."),
        "too-many-requests": (
            "Trop de requêtes",
            "Cette adresse, ou ce compte, demande plus souvent que permis : `Retry-After` dit quand revenir. Une clé "
            "d'API relève les limites.",
        ),
        "too-many-attempts": (
            "Trop de tentatives",
            "Trop de secrets faux ont été essayés, sous ce nom ou depuis cette adresse : attendez `Retry-After`.",
        ),
        "budget-spent": (
            "Quota de fiches atteint",
            "Cette adresse, ou ce compte, a reçu autant de fiches différentes qu'un jour en permet. Les accès par "
            "numéro et par adresse restent ouverts ; une clé d'API relève le quota.",
        ),
        "unavailable": ("Service indisponible", "L'index n'est pas encore construit, ou ne se lit pas. Réessayez."),
        "busy": ("Registre occupé", "Un autre travail écrit dans le registre. Réessayez après `Retry-After`."),
        "certificate-refused": (
            "Certificat refusé",
            "Le certificat se lit mais ne peut être publié ; `where` dit pourquoi.",
        ),
        "internal": ("Erreur interne", "La faute est de notre côté ; le numéro d'incident permet de la retrouver."),
        "method-not-allowed": ("Méthode non permise", "Cette adresse existe, mais pas avec cette méthode HTTP."),
        "too-large": ("Corps trop grand", "Le corps de la requête dépasse la limite de cette route."),
        "range-not-satisfiable": ("Intervalle hors du fichier", "`Content-Range` dit la taille du fichier."),
        "unsupported-media-type": ("Type de corps inattendu", "Le corps doit être du type que cette route attend."),
        "bad-request": ("Requête refusée", "La requête HTTP ne se lit pas."),
    }
)
_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    408: "bad-request",
    413: "too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}


def problem_body(
    slug: str,
    status: int,
    detail: str,
    where: str | None = None,
    build: str = "",
    suggestions: tuple[str, ...] = (),
) -> bytes:
    """The JSON document (RFC 9457 3.1), with our ``where``, ``suggestions`` and ``build`` members when there is
    something to say."""
    members = {"type": f"/problems/{slug}", "title": PROBLEMS.get(slug, PROBLEMS["internal"])[0], "status": status}
    extra = {"detail": detail, "where": where, "suggestions": suggestions, "build": build}
    return orjson.dumps(members | {name: value for name, value in extra.items() if value})


def problem(
    slug: str, status: int, detail: str, where: str | None = None, suggestions: tuple[str, ...] = ()
) -> Response:
    body = problem_body(slug, status, detail, where, _build(), suggestions)
    response = Response(body, status, content_type=MIMETYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def statuses() -> dict[str, int]:
    """The status that each problem comes with, by its slug."""
    found, left = {slug: status for status, slug in _OF_STATUS.items()} | {"bad-request": 400}, [AnnuaireError]
    while left:
        error = left.pop()
        found.setdefault(error.slug, error.http_status)
        left += error.__subclasses__()
    return found


def from_error(error: AnnuaireError) -> Response:
    suggestions = error.suggestions if isinstance(error, NotFound) else ()
    response = problem(error.slug, error.http_status, error.message, error.where, suggestions)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if error.http_status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="annuaire"'
    if error.http_status == 503 or error.slug == "key-in-use":
        response.headers["Retry-After"] = "5"
    if error.http_status >= 500:
        log.error("réponse %d : %s", error.http_status, _frames(error))
    return response


def from_http(error: HTTPException) -> Response:
    """Flask's and werkzeug's own errors; their descriptions may quote the request, ours do not."""
    status = error.code or 500
    slug = _OF_STATUS.get(status, "bad-request" if status < 500 else "internal")
    response = problem(slug, status, PROBLEMS[slug][1])
    for name, value in error.get_headers():
        if name in ("Allow", "Content-Range", "Retry-After"):
            response.headers[name] = value
    return response


def from_fault(error: Exception) -> Response:
    if unreadable := damaged(error):
        return from_error(unreadable.with_traceback(error.__traceback__))
    incident = uuid.uuid4().hex[:12]
    log.error("incident %s : %s", incident, _frames(error))
    return problem("internal", 500, f"Incident {incident}.")


def register(app: Flask) -> None:
    """Every exception becomes a problem, and every problem type has its page."""
    app.register_error_handler(AnnuaireError, from_error)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_fault)
    app.add_url_rule("/problems/<slug>", "problem_page", problem_page, methods=["GET"])


@describe(Route(
    "Ce que veut dire un problème", "Service", ok("Du texte", None, "text/plain"),
    path=(Place("slug", "La fin d'un `type`", example="invalid-input"),), problems=("not-found",), rate=Rate.FREE,
))  # fmt: skip
def problem_page(slug: str) -> Response:
    """What a problem ``type`` leads to, for the person who follows it."""
    if slug not in PROBLEMS:
        return problem("not-found", 404, "aucun problème ne porte ce nom")
    title, text = PROBLEMS[slug]
    return Response(f"{title}\n\n{text}\n", content_type="text/plain; charset=utf-8")


def _frames(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} " + " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))


def _build() -> str:
    """The build in force, or nothing while there is none: a problem is told all the same."""
    from directory_service.web.context import directory

    try:
        return str(directory().build().id)
    except Exception:
        return ""
