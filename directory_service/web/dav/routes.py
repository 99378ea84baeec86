"""``/carddav/``: the address books, to be read only (docs/howto/clients/carddav.md).

    /carddav/                                    where clients begin
    /carddav/livres/<book>/                      reader and home of one book
    /carddav/livres/<book>/contacts/             the book
    /carddav/livres/<book>/contacts/<card>.vcf   a card

Authorization is not looked at: everybody sees what anybody may see, and clients that insist on a password may send one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, NamedTuple

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from directory_service.entries.vcard import Version
from directory_service.web.answers import expect_state
from directory_service.web.bodies import read_body
from directory_service.web.cards import accepted, card_answer, file_name
from directory_service.web.context import directory
from directory_service.web.dav import xml
from directory_service.web.dav.books import NATIONAL, Book, cards_of, find_book, get_card
from directory_service.web.dav.properties import (
    CONTACTS,
    ROOT,
    Resource,
    answer,
    book_path,
    book_resource,
    card_resource,
    home_path,
    home_resource,
    root_resource,
)
from directory_service.web.dav.reports import Counting, Refused, report, truncated
from directory_service.web.dav.xml import dav
from directory_service.web.limiting import counted, spending, take_also
from directory_service.web.links import public_base
from directory_service.web.openapi.route import Rate

blueprint = Blueprint("carddav", __name__)

CLASSES: Final = "1, 3, access-control, addressbook"  # of the DAV header (RFC 4918 10.1, RFC 6352 6.1)
_GET: Final = ("GET", "HEAD")
_READ: Final = ("GET", "OPTIONS", "PROPFIND")
_WRITE: Final = ("PUT", "DELETE", "PROPPATCH", "MKCOL", "COPY", "MOVE", "POST", "LOCK", "UNLOCK", "ACL")
_HOME: Final = "/carddav/livres/<book>/"
_BOOK: Final = f"{_HOME}{CONTACTS}/"
_CARD: Final = f"{_BOOK}<path:identifier>.vcf"  # path: an idNat_PS of type 3 holds a slash

View = Callable[..., AnyResponse]


def _route(rule: str, methods: tuple[str, ...] = _READ) -> Callable[[View], View]:
    """With a slash at the end and without, since people type addresses; writing is refused everywhere."""

    def put(view: View) -> View:
        @wraps(view)
        def guarded(**named: str) -> AnyResponse:
            if request.method == "OPTIONS":
                return _options(methods)
            if request.method in _WRITE:
                return _forbidden(dav("need-privileges"))
            try:
                return view(**named)
            except Refused as refusal:
                return _forbidden(refusal.precondition)

        blueprint.add_url_rule(
            rule,
            view.__name__,
            guarded,
            methods=[*methods, *_WRITE],
            provide_automatic_options=False,
            strict_slashes=False,
        )
        return view

    return put


def _options(methods: tuple[str, ...]) -> Response:
    response = Response(status=204)
    response.headers["Allow"] = ", ".join(dict.fromkeys((*methods, "HEAD")))
    return response


@blueprint.after_request
def _announce(response: Response) -> Response:
    response.headers["DAV"] = CLASSES
    return response


def _forbidden(precondition: str) -> Response:
    return Response(xml.error(precondition), 403, content_type="application/xml; charset=utf-8")


def _multistatus(body: bytes) -> Response:
    return Response(body, 207, content_type="application/xml; charset=utf-8")


@blueprint.route("/.well-known/carddav", methods=["GET", "PROPFIND", "OPTIONS"], provide_automatic_options=False)
def well_known() -> AnyResponse:
    """RFC 6764 5."""
    return redirect(ROOT, 301)


# --- PROPFIND, GET and REPORT ----------------------------------------------------------------------------------------


@_route("/carddav/")
@counted(Rate.READ, nameless=True)
def root() -> AnyResponse:
    if request.method in _GET:
        return _welcome()
    national = find_book(directory(), NATIONAL)
    return _found(root_resource(), lambda: Below((home_resource(national, _state()),)))


@_route(_HOME)
@counted(Rate.READ, nameless=True)
def home(book: str) -> AnyResponse:
    held = find_book(directory(), book)
    if request.method in _GET:
        return _welcome()
    return _found(home_resource(held, _state()), lambda: Below((book_resource(held, _state()),)))


@_route(_BOOK, (*_READ, "REPORT"))
@counted(Rate.SEARCH, nameless=True)
def contacts(book: str) -> AnyResponse:
    held = find_book(directory(), book)
    if request.method in _GET:
        return _welcome()
    if request.method == "REPORT":
        return _multistatus(report(directory(), held, xml.parse(read_body(xml.LIMIT)), _counting()))
    return _found(book_resource(held, _state()), lambda: _members(held))


def _counting() -> Counting:
    """A book is as much work as a batch, and its cards are records that the caller was given (decision 0011)."""
    return Counting(lambda: take_also(Rate.BATCH), spending())


def _members(book: Book) -> Below:
    counting = _counting()
    if book.members is not None:
        counting.listing()
    listed = cards_of(directory(), book)
    counting.given([c.entry for c in listed.cards])
    cards = tuple(card_resource(book, c) for c in listed.cards)
    return Below(cards, truncated(book) if listed.truncated else None)


@_route(_CARD)
@counted(Rate.READ, nameless=True)
def one_card(book: str, identifier: str) -> AnyResponse:
    held = find_book(directory(), book)
    found = get_card(directory(), held, identifier)
    if request.method == "PROPFIND":
        return _found(card_resource(held, found), Below)
    version = accepted(Version.V3)
    response = card_answer(found.write(version), version, file_name(found.name))
    etag = found.etag if version is Version.V3 else f'{found.etag[:-1]}-4"'
    expect_state(etag.strip('"'))
    response.headers["ETag"] = etag
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)


class Below(NamedTuple):
    """What is one level down; ``more`` says of a book that it cannot be listed whole."""

    resources: tuple[Resource, ...] = ()
    more: xml.Response | None = None


def _found(resource: Resource, below: Callable[[], Below]) -> Response:
    """PROPFIND."""
    depth = request.headers.get("Depth", "1").strip()
    if depth not in ("0", "1"):
        raise Refused(dav("propfind-finite-depth"))
    asked, names_only = _asked()
    with directory().held():
        responses = [answer(resource, asked, names_only=names_only)]
        if depth == "1":
            found = below()
            responses += [answer(r, asked, names_only=names_only) for r in found.resources]
            responses += [found.more] if found.more else []
    return _multistatus(xml.multistatus(responses))


def _asked() -> tuple[list[str] | None, bool]:
    """The names of the properties, None for all (an empty body asks for all); and whether names alone are wanted."""
    body = read_body(xml.LIMIT)
    if not body.strip():
        return None, False
    tree = xml.parse(body)
    props = tree.find(dav("prop"))
    if props is not None:
        return xml.names_of(props), False
    return None, tree.find(dav("propname")) is not None


def _state() -> str:
    return directory().build().id


def _welcome() -> Response:
    text = (
        "Carnets d'adresses CardDAV, en lecture seule.\n\nDonnez cette adresse à votre client :\n\n"
        f"{public_base()}{home_path('NUMERO')}\n\n"
        "où NUMERO est le FINESS ou le SIRET d'une structure, ou un département et une profession (69-10).\n"
        f"L'annuaire entier se cherche sans se lister : {book_path(NATIONAL)}\n"
    )
    return Response(text, content_type="text/plain; charset=utf-8")
