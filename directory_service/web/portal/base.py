"""What every page shares: the blueprint, filling a template, headers, compression, and the files that pages need.

A page is a function of its URL and of the build: its entity tag is the build's with those of the templates and of the
URL, and a browser that holds it is answered 304.  No page asks anything of another site, and none holds a script or a
style in its text, so that the policy sent along (Content-Security-Policy) can forbid both.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, render_template
from werkzeug.exceptions import NotFound as NoSuchPage

from directory_service.web.answers import takes_gzip, turn, unless_held, url_digest
from directory_service.web.context import directory, settings
from directory_service.web.portal.french import FILTERS

HERE: Final = Path(__file__).parent
SERVICE: Final = "Annuaire santé"  # where the application was made without settings
_YEAR: Final = 365 * 24 * 3600
_SMALL: Final = 860  # octets: less fits in one packet anyway

blueprint = Blueprint("portal", __name__, template_folder="templates")

_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Referrer-Policy": "no-referrer",  # a URL may hold what was searched
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), clipboard-write=(self)",
}

for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, f"portal_{_name}")


# --- pages -----------------------------------------------------------------------------------------------------------


def page(
    template: str, make: Callable[[], Mapping[str, Any]] | None = None, *, state: str = "", **known: Any
) -> Response:
    """A page that anybody would be answered, of the build in force.  ``make`` reads what the template needs, in its
    ``turn``; ``known`` is what was read, so that nobody waits again.  ``state``: what may change within one build."""

    def write() -> str:
        if make is None:
            return _fill(template, known)
        with turn():
            values = make()
        return _fill(template, values)

    return answer(write, "text/html; charset=utf-8", state)


def answer(write: Callable[[], str | bytes], kind: str, state: str = "") -> Response:
    """What ``write`` gives, or 304 where the browser holds it already."""
    frame = _frame()
    etag = f'W/"{directory().build().id}-{_edition(frame["service"], frame["contact"])}-{url_digest()}{state}"'
    response = unless_held(etag, lambda: Response(write(), content_type=kind))
    response.headers["ETag"] = etag
    # Private: a URL may hold a person's name, which is nobody's on the way.
    response.headers["Cache-Control"] = "private, no-cache"
    return dressed(response)


def html(template: str, status: int = 200, **values: Any) -> Response:
    """A page that nobody keeps."""
    response = Response(_fill(template, values), status)
    response.headers["Cache-Control"] = "no-store"
    return dressed(response)


def dressed(response: Response) -> Response:
    """With what keeps a page safe."""
    response.headers.update(HEADERS)
    return response


def _fill(template: str, values: Mapping[str, Any]) -> str:
    return render_template(f"portal/{template}.html", **_frame(), **values)


def _frame() -> dict[str, Any]:
    """What the frame of every page says."""
    known = settings()
    return {
        "service": (known and known.service_name) or SERVICE,
        "contact": known.service_contact if known else "",
        "asset": asset,
    }


@blueprint.after_request
def _compress(response: Response) -> Response:
    """There is no secret in a page beside what was asked for, so that its size tells nothing (BREACH)."""
    response.headers.add("Vary", "Accept-Encoding")
    squeezable = (response.mimetype or "").startswith(("text/", "image/svg")) or response.mimetype == "application/json"
    if not squeezable or response.is_streamed or "Content-Encoding" in response.headers or not takes_gzip():
        return response
    body = response.get_data()
    if len(body) > _SMALL:
        response.set_data(gzip.compress(body, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


# --- files -----------------------------------------------------------------------------------------------------------


class _File:
    """One of ``static``, whole and compressed, with the hash that its URL carries."""

    def __init__(self, path: Path) -> None:
        self.body = path.read_bytes()
        self.packed = gzip.compress(self.body, 9, mtime=0)
        self.hash = hashlib.sha256(self.body).hexdigest()[:12]
        self.type = mimetypes.types_map.get(path.suffix, "application/octet-stream")


@cache
def _files() -> dict[str, _File]:
    return {path.name: _File(path) for path in sorted((HERE / "static").iterdir())}


@cache
def _edition(*said: str) -> str:
    """A name for these templates and files, and for what settings make them say."""
    texts = [repr(said).encode()]
    texts += [path.read_bytes() for path in sorted((HERE / "templates" / "portal").iterdir())]
    return hashlib.sha256(b"".join([*texts, *[f.body for f in _files().values()]])).hexdigest()[:8]


def asset(name: str) -> str:
    """The URL of a file of ``static``, which changes when the file does."""
    return f"/portail/{_files()[name].hash}/{name}"


@blueprint.get("/portail/<edition>/<name>")
def static_file(edition: str, name: str) -> Response:
    """Kept for a year under the hash of its content; after a release, a page of before gets the new file, unkept."""
    found = _files().get(name)
    if found is None:
        raise NoSuchPage
    packed = takes_gzip()
    response = Response(found.packed if packed else found.body, content_type=found.type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if found.type.startswith("text/"):
        response.headers["Content-Type"] = f"{found.type}; charset=utf-8"
    age = f"public, max-age={_YEAR}, immutable" if edition == found.hash else "no-cache"
    response.headers["Cache-Control"] = age
    return dressed(response)
