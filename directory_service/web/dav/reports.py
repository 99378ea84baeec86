"""The reports ``addressbook-query`` and ``addressbook-multiget`` (RFC 6352 8), and ``sync-collection`` (RFC 6578)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from directory_service.entries.vcard import Version
from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.web.dav.books import MOST_CARDS, STRUCTURE, Book, Card, cards_of, get_card
from directory_service.web.dav.filters import parse_filter
from directory_service.web.dav.properties import answer, book_path, card_resource, sync_token
from directory_service.web.dav.xml import Element, Response, card, dav, multistatus

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

MOST_FOUND: Final = 200  # cards of one query of a book that cannot be listed
MOST_NAMED: Final = 1_000  # of one multiget
TRUNCATED: Final = "number-of-matches-within-limits"


class Refused(Exception):
    """A precondition that does not hold, by its name in Clark notation."""

    def __init__(self, precondition: str) -> None:
        super().__init__(precondition)
        self.precondition = precondition


class Report(NamedTuple):
    """A multistatus, and the identifiers of whom it tells of."""

    body: bytes
    told: list[str]


def report(directory: Directory, book: Book, root: Element) -> Report:
    """The multistatus.  Raises Refused, or InvalidInput."""
    asked = _REPORTS.get(root.tag)
    if asked is None:
        raise Refused(dav("supported-report"))
    with directory.held() as build:
        responses, token = asked(directory, book, root, build.id)
    return Report(multistatus(responses, token), [_name_in(r.href) for r in responses if not r.status])


def _name_in(href: str) -> str:
    """The identifier that the path of a card holds."""
    return unquote(href.rpartition("/")[2]).removesuffix(".vcf").removeprefix(STRUCTURE)


Answer = tuple[list[Response], str]


def _query(directory: Directory, book: Book, root: Element, _: str) -> Answer:
    """The cards that match, at most as many as asked for; and that there are more, where there are."""
    wanted = parse_filter(root.find(card("filter")))
    limit = _limit(root)
    narrowed = wanted.narrowed()
    if narrowed is None and book.members is None and wanted.props:
        raise Refused(card("supported-filter"))
    listed = cards_of(directory, book, narrowed, MOST_CARDS if book.members is not None else 2 * MOST_FOUND)
    found = [c for c in listed.cards if wanted.holds(c.write())]
    most = min(limit, MOST_CARDS + 1 if book.members is not None else MOST_FOUND)
    responses = [*_answers(book, found[:most], root)]
    if listed.truncated or len(found) > most:
        responses.append(truncated(book))
    return responses, ""


def truncated(book: Book) -> Response:
    """RFC 6352 8.6.2: the book itself, with the reason."""
    return Response(book_path(book.id), status=507, error=TRUNCATED)


def _limit(root: Element) -> int:
    said = root.findtext(f"{card('limit')}/{card('nresults')}", "").strip()
    if not said:
        return MOST_CARDS
    if not (said.isascii() and said.isdigit() and len(said) < 9):
        raise InvalidInput("un nombre est attendu", where="nresults")
    return int(said)


def _multiget(directory: Directory, book: Book, root: Element, _: str) -> Answer:
    hrefs = [(e.text or "").strip() for e in root.findall(dav("href"))]
    if len(hrefs) > MOST_NAMED:
        raise Refused(dav(TRUNCATED))
    return [_named(directory, book, href, root) for href in hrefs], ""


def _named(directory: Directory, book: Book, href: str, root: Element) -> Response:
    path, start = urlsplit(href).path, book_path(book.id)
    name = unquote(path[len(start) :]).removesuffix(".vcf") if path.startswith(start) else ""
    try:
        held = get_card(directory, book, name) if name else None
    except AnnuaireError:
        held = None
    return next(_answers(book, [held], root)) if held else Response(href, status=404)


def _sync(directory: Directory, book: Book, root: Element, build: str) -> Answer:
    """All, or nothing new; who holds another state must ask for all again (RFC 6578 3.8)."""
    if book.members is None:
        raise Refused(dav("supported-report"))
    token = root.findtext(dav("sync-token"), "").strip()
    now = sync_token(build)
    if token and token != now:
        raise Refused(dav("valid-sync-token"))
    if token:
        return [], now
    listed = cards_of(directory, book)
    responses = [*_answers(book, listed.cards, root)]
    return [*responses, *([truncated(book)] if listed.truncated else [])], now


def _answers(book: Book, cards: Iterator[Card] | list[Card] | tuple[Card, ...], root: Element) -> Iterator[Response]:
    props = root.find(dav("prop"))
    wanted = None if props is None else [e.tag for e in props]
    data = root.find(f"{dav('prop')}/{card('address-data')}")
    version = _version(data)
    for held in cards:
        yield answer(card_resource(book, held, version, with_data=data is not None), wanted)


def _version(data: Element | None) -> Version:
    """Raises Refused for a type or a version of cards that we do not write."""
    if data is None:
        return Version.V3
    if data.get("content-type", "text/vcard") != "text/vcard":
        raise Refused(card("supported-address-data"))
    try:
        return Version(data.get("version", Version.V3.value))
    except ValueError:
        raise Refused(card("supported-address-data")) from None


_REPORTS: Final = {
    card("addressbook-query"): _query,
    card("addressbook-multiget"): _multiget,
    dav("sync-collection"): _sync,
}
