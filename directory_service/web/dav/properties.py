"""Properties of the four kinds of resources (RFC 4918, 5397, 6352, 3744): what PROPFIND and reports answer.

A property that a resource has not is 404 in its own propstat, as is any that we do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from lxml import etree

from directory_service.entries.vcard import Version
from directory_service.web.dav.books import MOST_CARDS, NATIONAL, Book, Card
from directory_service.web.dav.xml import CARD, SERVER, C, D, Element, Response, S, card, dav

ROOT: Final = "/carddav/"
CONTACTS: Final = "contacts"
_LARGEST: Final = 64 * 1024  # octets of a card, never reached


def home_path(book: str) -> str:
    return f"{ROOT}livres/{quote(book, safe='')}/"


def book_path(book: str) -> str:
    return f"{home_path(book)}{CONTACTS}/"


def card_path(book: str, name: str) -> str:
    return f"{book_path(book)}{quote(name, safe='')}.vcf"


@dataclass(frozen=True, slots=True)
class Resource:
    """``book`` is None for the root, ``card`` None for what holds cards; ``is_home``: what holds the book, which is a
    principal too.  ``state`` is that of the index; ``version`` of the cards that a report gives."""

    href: str
    state: str = ""
    book: Book | None = None
    is_home: bool = False
    card: Card | None = None
    version: Version = Version.V3
    with_data: bool = False  # in reports only: the card itself

    @property
    def is_book(self) -> bool:
        return self.book is not None and not self.is_home and self.card is None


def root_resource() -> Resource:
    return Resource(ROOT)


def home_resource(book: Book, state: str) -> Resource:
    return Resource(home_path(book.id), state, book, is_home=True)


def book_resource(book: Book, state: str) -> Resource:
    return Resource(book_path(book.id), state, book)


def card_resource(book: Book, held: Card, version: Version = Version.V3, *, with_data: bool = False) -> Resource:
    return Resource(card_path(book.id, held.name), "", book, False, held, version, with_data)


def answer(resource: Resource, asked: Sequence[str] | None, *, names_only: bool = False) -> Response:
    """``asked`` are names in Clark notation; None for all that are not costly."""
    if asked is None:
        made_of = (make(resource) for name, make in _PROPERTIES.items() if name not in _ON_REQUEST)
        held = [e for e in made_of if e is not None]
        return Response(resource.href, [etree.Element(e.tag) for e in held] if names_only else held)
    made = {name: _PROPERTIES[name](resource) if name in _PROPERTIES else None for name in dict.fromkeys(asked)}
    return Response(
        resource.href,
        [e for e in made.values() if e is not None],
        [name for name, e in made.items() if e is None],
    )


def sync_token(state: str) -> str:
    return f"data:,{quote(state, safe='')}"


# --- each property ---------------------------------------------------------------------------------------------------


def _type(r: Resource) -> Element:
    if r.card:
        return D.resourcetype()
    kinds = [D.collection()]
    if r.is_home:
        kinds.append(D.principal())
    if r.is_book:
        kinds.append(C.addressbook())
    return D.resourcetype(*kinds)


def _name(r: Resource) -> Element | None:
    if r.card:
        return None
    return D.displayname(r.book.name if r.book else "Annuaire santé")


def _principal(r: Resource) -> Element:
    """Nobody in particular: whoever asks is the reader of the book that is asked about."""
    return D("current-user-principal", D.href(home_path(r.book.id if r.book else NATIONAL)))


def _principal_url(r: Resource) -> Element | None:
    return D("principal-URL", D.href(r.href)) if r.is_home else None


def _home_set(r: Resource) -> Element | None:
    return C("addressbook-home-set", D.href(r.href)) if r.is_home else None


def _gateway(r: Resource) -> Element | None:
    """Where Apple's Contacts looks for whom no book of its own has (draft-daboo-carddav-directory-gateway)."""
    return C("directory-gateway", D.href(book_path(NATIONAL))) if r.is_home else None


def _owner(r: Resource) -> Element | None:
    return D.owner(D.href(home_path(r.book.id))) if r.book else None


def _privileges(_: Resource) -> Element:
    return D("current-user-privilege-set", D.privilege(D.read()))


def _reports(r: Resource) -> Element | None:
    if not r.is_book or r.book is None:
        return None
    names = [C("addressbook-query"), C("addressbook-multiget")]
    if r.book.members is not None:
        names.append(D("sync-collection"))
    return D("supported-report-set", *(D("supported-report", D.report(name)) for name in names))


def _data_types(r: Resource) -> Element | None:
    if not r.is_book:
        return None
    types = [C("address-data-type", **{"content-type": "text/vcard", "version": v.value}) for v in Version]
    return C("supported-address-data", *types)


def _size(r: Resource) -> Element | None:
    return C("max-resource-size", str(_LARGEST)) if r.is_book else None


def _description(r: Resource) -> Element | None:
    if not r.is_book or r.book is None:
        return None
    listed = f"jusqu'à {MOST_CARDS} fiches" if r.book.members is not None else "en recherche seulement"
    return C("addressbook-description", f"{r.book.name}, {listed}")


def _ctag(r: Resource) -> Element | None:
    return S.getctag(r.state) if r.is_book else None


def _token(r: Resource) -> Element | None:
    listable = r.is_book and r.book is not None and r.book.members is not None
    return D("sync-token", sync_token(r.state)) if listable else None


def _etag(r: Resource) -> Element | None:
    if r.card:
        return D.getetag(r.card.etag)
    return D.getetag(f'"{r.state}"') if r.is_book else None


def _content_type(r: Resource) -> Element | None:
    if r.card:
        return D.getcontenttype("text/vcard; charset=utf-8")
    return D.getcontenttype("httpd/unix-directory")


def _length(r: Resource) -> Element | None:
    return D.getcontentlength(str(len(r.card.write()))) if r.card else None


def _data(r: Resource) -> Element | None:
    if not (r.card and r.with_data):
        return None
    attributes = {"content-type": "text/vcard", "version": r.version.value}
    return C("address-data", r.card.write(r.version).decode(), **attributes)


_PROPERTIES: Final[dict[str, Callable[[Resource], Element | None]]] = {
    dav("resourcetype"): _type,
    dav("displayname"): _name,
    dav("current-user-principal"): _principal,
    dav("principal-URL"): _principal_url,
    dav("owner"): _owner,
    dav("current-user-privilege-set"): _privileges,
    dav("supported-report-set"): _reports,
    dav("sync-token"): _token,
    dav("getetag"): _etag,
    dav("getcontenttype"): _content_type,
    dav("getcontentlength"): _length,
    card("addressbook-home-set"): _home_set,
    card("directory-gateway"): _gateway,
    card("addressbook-description"): _description,
    card("supported-address-data"): _data_types,
    card("max-resource-size"): _size,
    card("address-data"): _data,
    f"{{{SERVER}}}getctag": _ctag,
}
# RFC 6352 and 3744 keep these out of ``allprop``.
_ON_REQUEST: Final = frozenset(
    (
        *(dav(n) for n in ("current-user-principal", "principal-URL", "owner", "current-user-privilege-set")),
        *(dav(n) for n in ("supported-report-set", "sync-token")),
        *(name for name in _PROPERTIES if name.startswith(f"{{{CARD}}}")),
    )
)
