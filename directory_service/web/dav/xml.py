"""XML of WebDAV and CardDAV: reading requests without trusting them, writing multistatus answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from lxml import etree
from lxml.builder import ElementMaker

from directory_service.errors import InvalidInput

DAV, CARD, SERVER = "DAV:", "urn:ietf:params:xml:ns:carddav", "http://calendarserver.org/ns/"
_NAMES: Final = {"d": DAV, "card": CARD, "cs": SERVER}
D: Final = ElementMaker(namespace=DAV, nsmap=_NAMES)
C: Final = ElementMaker(namespace=CARD, nsmap=_NAMES)
S: Final = ElementMaker(namespace=SERVER, nsmap=_NAMES)
Element: TypeAlias = etree._Element

LIMIT: Final = 256 * 1024  # octets of a request: a multiget of a thousand cards
MOST_PROPERTIES: Final = 100  # of one request; there are some forty in all standards together
LONGEST_NAMES: Final = 8_000  # characters of all these, namespaces included: twice what all standards name
_DEEPEST: Final = 20
_STATUS: Final = {200: "OK", 403: "Forbidden", 404: "Not Found", 507: "Insufficient Storage"}


def dav(name: str) -> str:
    return f"{{{DAV}}}{name}"


def card(name: str) -> str:
    return f"{{{CARD}}}{name}"


def parse(body: bytes) -> Element:
    """The root of a request.  Raises InvalidInput for what is no XML, and for a document type of any kind: no client
    needs one, and entities and what they load live there."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root: Element = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise InvalidInput("le corps n'est pas du XML", where="corps") from None
    if root.getroottree().docinfo.doctype:
        raise InvalidInput("un type de document n'est pas admis", where="corps")
    if _too_deep(root):
        raise InvalidInput("trop de niveaux", where="corps")
    return root


def _too_deep(root: Element) -> bool:
    level: Sequence[Element] = [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def names_of(props: Element) -> list[str]:
    """The names of the properties that are asked for, each once.  Raises InvalidInput for more, or for longer ones,
    than any client knows: each is told of each card, so that a short request would make an answer without end."""
    if len(props) > MOST_PROPERTIES:
        raise InvalidInput(f"au plus {MOST_PROPERTIES} propriétés", where="prop")
    names = list(dict.fromkeys(str(e.tag) for e in props))
    if sum(map(len, names)) > LONGEST_NAMES:
        raise InvalidInput("noms de propriétés trop longs", where="prop")
    return names


class Response(NamedTuple):
    """One resource of a multistatus: properties that it has, names of those that it has not; or a status alone."""

    href: str
    found: Sequence[Element] = ()
    missing: Sequence[str] = ()
    status: int = 0  # of the resource itself, instead of properties
    error: str = ""  # name of a precondition of WebDAV


def multistatus(responses: Iterable[Response], sync_token: str = "") -> bytes:
    root: Element = D.multistatus()
    for response in responses:
        root.append(_response(response))
    if sync_token:
        root.append(D("sync-token", sync_token))
    return serialise(root)


def _response(r: Response) -> Element:
    element: Element = D.response(D.href(r.href))
    if r.status:
        element.append(D.status(_status(r.status)))
        if r.error:
            element.append(D.error(D(r.error)))
        return element
    if r.found or not r.missing:
        element.append(_propstat(r.found, 200))
    if r.missing:
        element.append(_propstat([etree.Element(name) for name in r.missing], 404))
    return element


def _propstat(properties: Sequence[Element], status: int) -> Element:
    held = D.prop()
    held.extend(properties)
    stated: Element = D.propstat(held, D.status(_status(status)))
    return stated


def _status(code: int) -> str:
    return f"HTTP/1.1 {code} {_STATUS[code]}"


def error(*names: str) -> bytes:
    """``DAV:error`` with preconditions, in Clark notation."""
    root = D.error()
    root.extend([etree.Element(name) for name in names])
    return serialise(root)


def serialise(root: Element) -> bytes:
    octets: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return octets
