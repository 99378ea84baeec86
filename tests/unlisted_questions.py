"""All that can be asked over HTTP of the countries of ``unlisted_world``, made from the routes of the application: each
route with each value for each variable part of its path and each of its parameters.  What has no value here, or no body
while it takes one, is a ``KeyError``: a new route is asked about, or a test fails."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice, product
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from unlisted_world import CERTIFIED, DARK, NORTH, SOUTH, Countries, pieces_of
from werkzeug.routing import Rule

from directory_service.matching.description import FIELDS
from directory_service.web.openapi.document import described
from directory_service.web.portal.downloads import as_xlsx

JSON, FORM, LINES = "application/json", "application/x-www-form-urlencoded", "application/x-ndjson"
PEM, PATCH, XML = "application/x-pem-file", "application/merge-patch+json", "text/xml"
# Not asked here: why.
ELSEWHERE: Final = {
    "/v1/log/head": "hashes and their number, which are told of: test_the_log_shows_their_hashes_and_nothing_else",
    "/v1/log/entries": "the same",
    "/v1/log/proof/inclusion": "the same",
    "/v1/log/proof/consistency": "the same",
    "/v1/operators/<name>/contacts": "an operator's word on itself; of no mailbox",
    "/v1/operators/<name>/secret": "the same; and random",
}


class Question(NamedTuple):
    method: str
    url: str
    body: bytes = b""
    kind: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Questions:
    world: Countries

    @cached_property
    def addresses(self) -> list[str]:
        """Hidden ones, those that look like them, and listed ones."""
        hidden = [*self.world.hidden.hidden[::5], *self.world.other.hidden[::8], *self.world.hidden.hidden[-2:]]
        near = [hidden[0][1:], hidden[1].replace("a", "e", 1), f"personne@{DARK}", hidden[2].upper()]
        return [*hidden, *near, *self.world.listed[::25], *self.world.passed, CERTIFIED]

    @cached_property
    def texts(self) -> list[str]:
        pieces = [piece for address in self.addresses[:6] for piece in pieces_of(address)]
        names = [f"{p.family} {p.given}" for p in self.world.people[:12]]
        return [*dict.fromkeys((*pieces, *names, "zebre", "quagga", "labyrinthe", DARK, "marie", "médecin 75", ""))]

    @cached_property
    def path(self) -> dict[str, list[str]]:
        """Values of the variable parts of paths."""
        people, places = [p.national for p in self.world.people[:12]], list(self.world.places[:3])
        return {
            "identifier": [*people, *places, "nosuch"],
            "address": self.addresses,
            "name": [NORTH, SOUTH, "nosuch"],
            "domain": [DARK, "medecin.mssante.fr", "nosuch.fr"],
            "sha256": [sha256(f"certificat de {a}".encode()).hexdigest() for a in (*self.addresses[:3], CERTIFIED)],
            "form": ["csv", "ldif", "ndjson", "mssante", "xlsx"],
            "start": [sha256(a.encode()).hexdigest()[:3] for a in self.world.unlisted],
            "slug": ["gone"],
            "kind": ["entity", "property", "type"],
            "book": ["annuaire", places[0], "75-10"],
            "edition": ["1"],
        }

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Values of parameters of queries."""
        entities = [f"mailboxes/{a}" for a in self.addresses]
        of_people = [f"practitioners/{p.national}" for p in self.world.people[:6]]
        return {
            "q": self.texts, "prefix": self.texts, "street": ["zebre", "marie"], "service": ["zebre", "marie"],
            "near": ["75"], "explain": ["true"], "exact": ["true"], "format": ["pem"],
            "family": [p.family for p in self.world.people[:12]],
            "given": [p.given for p in self.world.people[:12]],
            "address": [*self.addresses, DARK, "zebre"], "structure": [self.world.places[0], "zebre"],
            "profession": ["10", "60"], "specialty": ["SM54"], "department": ["75"], "postcode": ["75001"],
            "city": ["paris"], "status": ["active", "inactive"], "type": ["PER", "ORG", "APP", "CAB"],
            "sort": ["name", "city", "relevance"], "facets": ["true"], "fields": ["id,mailboxes"],
            "limit": ["1", "20"], "cursor": ["0"], "purpose": ["report", "laboratory"], "at": ["2026-09-05T00:00:00Z"],
            "since": ["0"], "id": [*entities, *of_people], "queries": [self._queries()],
            "query": [json.dumps({"query": t, "type": "mailbox"}) for t in self.texts[:12]],
            "extend": [self._extend()],
        }  # fmt: skip

    def _queries(self) -> str:
        kinds = ("mailbox", "practitioner", "organization")
        asked = list(product(kinds, self.texts))[::6]
        return json.dumps({f"q{n}": {"query": text, "type": kind} for n, (kind, text) in enumerate(asked[:40])})

    def _extend(self) -> str:
        properties = [{"id": name} for name in ("mailbox", "holder", "family", "profession")]
        return json.dumps({"ids": [f"mailboxes/{a}" for a in self.addresses], "properties": properties})

    # --- routes ------------------------------------------------------------------------------------------------------

    def all(self) -> Iterator[Question]:
        app = self.world.absent.app
        told: dict[str, Any] = {rule.endpoint: route for rule, route in described(app.url_map.iter_rules(),
                                                                                app.view_functions)}  # fmt: skip
        for rule in app.url_map.iter_rules():
            if rule.rule in ELSEWHERE or rule.endpoint == "static":
                continue
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                route = told.get(rule.endpoint)
                yield from self._of(rule, method, [p.name for p in route.query] if route else _PAGES.get(rule.rule, ()))

    def _of(self, rule: Rule, method: str, parameters: Iterable[str]) -> Iterator[Question]:
        bodies = list(self._bodies(rule.rule, method))
        refused = rule.rule.startswith("/carddav/") and method not in ("GET", "PROPFIND", "REPORT")
        for url in islice(self._paths(rule), 2 if refused else None):
            if method == "GET":
                yield from (Question(method, url + query) for query in self._queried(list(parameters)))
            else:
                yield from (Question(method, url, *body) for body in bodies)

    def _paths(self, rule: Rule) -> Iterator[str]:
        names = sorted(rule.arguments)
        for values in product(*(self.path[name] for name in names)):
            url = rule.rule
            for name, value in zip(names, values, strict=True):
                kind = next(k for k in ("", "path:", "address:") if f"<{k}{name}>" in url)
                url = url.replace(f"<{kind}{name}>", quote(value))
            yield url

    def _queried(self, parameters: list[str]) -> Iterator[str]:
        """Each value alone, then beside those that ask for all there is to tell."""
        yield ""
        more = {name: self.query[name][0] for name in ("facets", "explain", "limit") if name in parameters}
        for name in parameters:
            for value in self.query[name]:
                yield "?" + urlencode({name: value})
                if more and name not in more:
                    yield "?" + urlencode({name: value, **more})
        if "sort" in parameters:
            for text, sort, kind in product(self.texts[:3], self.query["sort"], self.query["type"]):
                yield "?" + urlencode({"q": text, "sort": sort, "type": kind, "facets": "true", "limit": "2"})

    # --- bodies ------------------------------------------------------------------------------------------------------

    def _bodies(self, rule: str, method: str) -> Iterable[tuple[bytes, str, tuple[tuple[str, str], ...]]]:
        if rule.startswith("/carddav/") or rule == "/.well-known/carddav":
            asked = {"PROPFIND": [(_PROPFIND, XML, (("Depth", "1"),))], "REPORT": [*self._reports()]}
            return asked.get(method, [(b"", "", ())])
        if method == "GET":
            return []
        made = self._made[rule, method]
        return [(body.encode() if isinstance(body, str) else body, kind, ()) for body, kind in made()]

    @cached_property
    def _made(self) -> dict[tuple[str, str], Callable[[], Iterable[tuple[str | bytes, str]]]]:
        box, certificates = "/v1/mailboxes/<address:address>", "/v1/mailboxes/<address:address>/certificates"
        book = self._book()
        as_form = [(urlencode({"texte": text}), FORM) for text in (book, "\n".join(self.texts))]
        as_form += [_file(book.encode(), "csv"), _file(as_xlsx(("nom", "prénom", "adresse"), self._rows()), "xlsx")]
        whole = {"titles": ["a"], "fields": {"0": "text"}, "rows": [[a] for a in self.addresses],
                 "lines": list(range(len(self.addresses)))}  # fmt: skip
        named, person = json.dumps(whole), self.world.people[0].national
        return {
            (box, "PUT"): lambda: [(json.dumps(self._publication(n)), JSON) for n in (0, 1)],
            (box, "PATCH"): lambda: [('{"service":"x"}', PATCH), ('{"unlisted":false}', PATCH)],
            (box, "DELETE"): lambda: [("", "")],
            (certificates, "POST"): lambda: [("x", PEM)],
            (certificates, "PUT"): lambda: [("", PEM), ("x", PEM)],
            (f"{certificates}/<sha256>", "DELETE"): lambda: [("", "")],
            ("/v1/mailboxes/batch", "POST"): lambda: [(self._batch(), LINES)],
            ("/v1/match", "POST"): lambda: ((json.dumps(said), JSON) for said in self._lines()),
            ("/v1/match/batch", "POST"): lambda: [("\n".join(map(json.dumps, self._lines())), LINES)],
            ("/v1/verify", "POST"): lambda: ((json.dumps(said), JSON) for said in self._asked()),
            ("/v1/verify/batch", "POST"): lambda: [("\n".join(map(json.dumps, self._asked())), LINES)],
            ("/v1/reconcile", "POST"): lambda: [(urlencode({"queries": self._queries()}), FORM),
                                                (urlencode({"extend": self._extend()}), FORM)],
            ("/verification", "POST"): lambda: ((urlencode(said), FORM) for said in self._typed()),
            ("/boites/<address:address>", "POST"): lambda: [("", FORM), (f"person={person}", FORM)],
            ("/nettoyage", "POST"): lambda: as_form,
            ("/nettoyage/lignes", "POST"): lambda: [(named, JSON)],
            ("/nettoyage/carnet.<form>", "POST"): lambda: [(urlencode({"carnet": named}), FORM)],
        }  # fmt: skip

    def _publication(self, n: int) -> dict[str, Any]:
        return {"type": "PER", "holder": {"person": self.world.people[n].national}, "unlisted": bool(n)}

    def _batch(self) -> str:
        orders = ({}, {"op": "close"}, {"op": "patch", "service": "x"}, self._publication(0))
        return "\n".join(json.dumps({"address": a, **order}) for a in self.addresses for order in orders)

    def _asked(self) -> Iterator[dict[str, str]]:
        for n, address in enumerate(self.addresses):
            person = self.world.people[n % 20]
            yield {"address": address}
            yield {"address": address, "person": person.national}
            yield {"address": address, "name": f"{person.given} {person.family}", "at": "2026-09-06T00:00:00Z"}
            yield {"address": address, "as": "sender", "operator": (NORTH, SOUTH)[n % 2]}

    def _typed(self) -> Iterator[dict[str, str]]:
        yield from ({"address": address} for address in self.addresses)
        yield {"address": self.addresses[0], "person": self.world.people[0].family}

    def _lines(self) -> Iterator[dict[str, str]]:
        yield from ({"text": text} for text in self.texts if text)
        for n, address in enumerate(self.addresses):
            person = self.world.people[n % 20]
            yield {"address": address}
            yield {"address": address, "name": f"{person.given} {person.family}"}
            yield {"family": person.family, "given": person.given, "address": address}
        yield {name: "75001" if name == "postcode" else "marie" for name in FIELDS if name != "text"}

    def _book(self) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=";").writerows([("nom", "prénom", "adresse"), *self._rows()])
        return text.getvalue()

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(p.family, p.given, a) for p, a in zip(self.world.people, self.addresses, strict=False)]

    def _reports(self) -> Iterator[tuple[bytes, str, tuple[tuple[str, str], ...]]]:
        for n, text in enumerate(self.texts[:24]):
            name = ("EMAIL", "FN", "N", "ORG")[n % 4]
            match = f'<c:prop-filter name="{name}"><c:text-match>{text}</c:text-match></c:prop-filter>'
            yield _report("c:addressbook-query", f"{_CARD}<c:filter>{match}</c:filter>")
        yield _report("d:sync-collection", f"<d:sync-token/>{_CARD}")
        hrefs = "".join(f"<d:href>/carddav/livres/annuaire/contacts/{p.national}.vcf</d:href>"
                        for p in self.world.people[:20])  # fmt: skip
        yield _report("c:addressbook-multiget", f"{_CARD}{hrefs}")


_HEAD: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav" xmlns:s="http://calendarserver.org/ns/"'
_PROPFIND: Final = f"<d:propfind {_HEAD}><d:allprop/></d:propfind>".encode()
_CARD: Final = "<d:prop><d:getetag/><c:address-data/></d:prop>"
# What pages that have no description take.
_PAGES: Final = {"/": ("q", "type", "cursor", "department"), "/propositions": ("q",)}


def _file(octets: bytes, form: str) -> tuple[bytes, str]:
    """As a browser sends it."""
    head = f'--x\r\nContent-Disposition: form-data; name="fichier"; filename="carnet.{form}"\r\n\r\n'
    return head.encode() + octets + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def _report(name: str, body: str) -> tuple[bytes, str, tuple[tuple[str, str], ...]]:
    return f"<{name} {_HEAD}>{body}</{name}>".encode(), XML, (("Depth", "1"),)
