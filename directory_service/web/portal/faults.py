"""Faults as pages, for browsers; programs, and whatever is under ``/v1/``, go on being answered by problem details."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import HTTPException

from directory_service.errors import AnnuaireError, NotFound
from directory_service.web import problems
from directory_service.web.portal.base import blueprint, html

if TYPE_CHECKING:
    from flask import Flask

# status: (title, what to do)
_SAYS = MappingProxyType(
    {
        400: ("La demande n’a pas été comprise", "Vérifiez ce qui a été saisi, puis recommencez."),
        404: ("Page introuvable", "L’adresse est peut-être mal recopiée, ou la fiche n’existe pas (ou plus)."),
        405: ("Page introuvable", "Cette page ne s’ouvre pas directement. Passez par le menu."),
        410: ("Cette page de résultats n’est plus disponible", "Recommencez la recherche."),
        413: ("Le fichier est trop grand", "Découpez-le en plusieurs fichiers, puis recommencez."),
        422: ("La demande est trop large", "Précisez-la : un nom, une ville, une profession."),
        429: ("Trop de demandes", "Attendez une minute, puis rechargez la page."),
        503: ("L’annuaire n’est pas disponible", "Il est en train de se préparer. Réessayez dans quelques instants."),
    }
)
_FAULT = ("Une erreur est survenue", "Elle vient de notre service. Réessayez ; si elle se reproduit, prévenez-nous.")
_CODES = (404, 405, 429)  # of URLs that are no page of ours, or are not reached at all


def show_faults(app: Flask) -> None:
    """Those of URLs that are no page of ours; the blueprint has handlers for its own (below)."""
    for code in _CODES:
        app.register_error_handler(code, _with(problems.from_http))


def wants_page() -> bool:
    """A browser says ``text/html``; programs say ``*/*`` or JSON."""
    return not request.path.startswith("/v1/") and "text/html" in request.accept_mimetypes.to_header()


def _with(made: Callable[..., Response]) -> Callable[[Exception], Response]:
    """The problem that the API would answer, dressed as a page where a person asks."""

    def answer(error: Exception) -> Response:
        problem = made(error)
        return _page(problem, error) if wants_page() else problem

    return answer


def _page(problem: Response, error: Exception) -> Response:
    status = problem.status_code
    title, advice = _SAYS.get(status, _FAULT)
    said = problem.json or {}
    ours = isinstance(error, AnnuaireError) and status not in (404, 503)
    detail = said.get("detail", "") if ours or status == 500 else ""
    meant = error.suggestions if isinstance(error, NotFound) else ()
    response = html("fault", status, title=title, advice=advice, detail=detail, meant=meant, kind=_kind())
    for name in ("Retry-After", "Allow"):
        if name in problem.headers:
            response.headers[name] = problem.headers[name]
    return response


def _kind() -> str:
    """Where numbers that may have been meant lead to."""
    return "organisations" if request.endpoint == "portal.organization" else "professionnels"


blueprint.register_error_handler(AnnuaireError, _with(problems.from_error))
blueprint.register_error_handler(HTTPException, _with(problems.from_http))
blueprint.register_error_handler(Exception, _with(problems.from_fault))
