"""The reports ``addressbook-query`` and ``addressbook-multiget`` (RFC 6352 8), and ``sync-collection`` (RFC 6578)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from directory_service.entries.vcard import Version
from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.web.dav.books import MOST_CARDS, Book, Card, cards_of, get_card
from directory_service.web.dav.filters import knows_collations, parse_filter
from directory_service.web.dav.properties import answer, book_path, card_resource, sync_token
from directory_service.web.dav.xml import Element, Response, card, dav, multistatus, names_of

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

MOST_FOUND: Final = 200  # cards of one query of a book that cannot be listed
MOST_NAMED: Final = 1_000  # of one multiget
MOST_AT_ONCE: Final = 100  # of one multiget that is not counted as a listing
TRUNCATED: Final = "number-of-matches-within-limits"


class Refused(Exception):
    """A precondition that does not hold, by its name in Clark notation."""

    def __init__(self, precondition: str) -> None:
        super().__init__(precondition)
        self.precondition = precondition


class Counting(NamedTuple):
    """``listing`` is told before many cards are read and written, ``given`` which entries are in the answer."""

    listing: Callable[[], None]
    given: Callable[[Iterable[int]], None]


def report(directory: Directory, book: Book, root: Element, counting: Counting) -> bytes:
    """The multistatus.  Raises Refused, or InvalidInput."""
    asked = _REPORTS.get(root.tag)
    if asked is None:
        raise Refused(dav("supported-report"))
    with directory.held() as build:
        responses, token = asked(directory, book, root, build.id, counting)
    return multistatus(responses, token)


Answer = tuple[list[Response], str]


def _query(directory: Directory, book: Book, root: Element, _: str, counting: Counting) -> Answer:
    """The cards that match, at most as many as asked for; and that there are more, where there are."""
    asked = root.find(card("filter"))
    if not knows_collations(asked):
        raise Refused(card("supported-collation"))
    wanted = parse_filter(asked)
    limit = _limit(root, card)
    narrowed = wanted.narrowed()
    if narrowed is None and book.members is None and wanted.props:
        raise Refused(card("supported-filter"))
    if book.members is not None:
        counting.listing()
    listed = cards_of(directory, book, narrowed, MOST_CARDS if book.members is not None else 2 * MOST_FOUND)
    found = [c for c in listed.cards if not wanted.props or wanted.holds(c.write())]
    most = min(limit, MOST_CARDS + 1 if book.members is not None else MOST_FOUND)
    counting.given([c.entry for c in found[:most]])
    responses = [*_answers(book, found[:most], root)]
    if listed.truncated or len(found) > most:
        responses.append(truncated(book))
    return responses, ""


def truncated(book: Book) -> Response:
    """RFC 6352 8.6.2: the book itself, with the reason."""
    return Response(book_path(book.id), status=507, error=TRUNCATED)


def _limit(root: Element, name: Callable[[str], str]) -> int:
    said = root.findtext(f"{name('limit')}/{name('nresults')}", "").strip()
    if not said:
        return MOST_CARDS
    if not (said.isascii() and said.isdigit() and len(said) < 9):
        raise InvalidInput("un nombre est attendu", where="nresults")
    return int(said)


def _multiget(directory: Directory, book: Book, root: Element, _: str, counting: Counting) -> Answer:
    hrefs = [(e.text or "").strip() for e in root.findall(dav("href"))]
    if len(hrefs) > MOST_NAMED:
        raise Refused(dav(TRUNCATED))
    if len(hrefs) > MOST_AT_ONCE:
        counting.listing()
    held = {href: _named(directory, book, href) for href in hrefs}
    counting.given([c.entry for c in held.values() if c])
    told = _answers(book, (c for c in held.values() if c), root)
    return [next(told) if c else Response(href, status=404) for href, c in held.items()], ""


def _named(directory: Directory, book: Book, href: str) -> Card | None:
    try:
        path, start = urlsplit(href).path, book_path(book.id)
        name = unquote(path[len(start) :]).removesuffix(".vcf") if path.startswith(start) else ""
        return get_card(directory, book, name) if name else None
    except (AnnuaireError, ValueError):  # the second for what is no URL
        return None


def _sync(directory: Directory, book: Book, root: Element, build: str, counting: Counting) -> Answer:
    """All, or nothing new; who holds another state must ask for all again (RFC 6578 3.8), and who asks for some of all
    is refused (3.7)."""
    if book.members is None:
        raise Refused(dav("supported-report"))
    token = root.findtext(dav("sync-token"), "").strip()
    now = sync_token(build)
    if token and token != now:
        raise Refused(dav("valid-sync-token"))
    if token:
        return [], now
    most = _limit(root, dav)
    counting.listing()
    listed = cards_of(directory, book)
    if len(listed.cards) > most:
        raise Refused(dav(TRUNCATED))
    counting.given([c.entry for c in listed.cards])
    responses = [*_answers(book, listed.cards, root)]
    return [*responses, *([truncated(book)] if listed.truncated else [])], now


def _answers(book: Book, cards: Iterable[Card], root: Element) -> Iterator[Response]:
    props = root.find(dav("prop"))
    wanted = None if props is None else names_of(props)
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
