"""The one door through which faces, verification and the policy service read: searches, records by number, mailboxes
and their certificates, the trusted space, what changed.

A ``Directory`` may be shared by threads: each has its own connection, opened at its first question and again once
``current`` points to another build.  Nothing here touches the registry, so that readers go on when it is down.
"""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from directory_service.entries.attributes import ATTRIBUTES, id_key
from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.entry import BAL, PEOPLE, STAFF, STRUCTURES, UNLISTED
from directory_service.entries.record import as_listed
from directory_service.errors import NotFound
from directory_service.index import nearby, ranges
from directory_service.index.answers import LONGEST, MOST, MOST_SENT, Answer, Answers, Suggested
from directory_service.index.bodies import Hit
from directory_service.index.boxcriteria import box_filter
from directory_service.index.connections import Connections
from directory_service.index.criteria import (
    LONGEST_PLACE,
    NO_WISHES,
    Criteria,
    Wishes,
    near_of,
    typed_filter,
    typed_key,
    untitled,
)
from directory_service.index.cursors import digest_of, parse_cursor
from directory_service.index.feed import Changes, parse_place, read_changes
from directory_service.index.lookups import Span
from directory_service.index.onebox.tiers import Near
from directory_service.index.pages import BoxPage, Page, box_page, find_page
from directory_service.index.plan.predicate import find_values
from directory_service.index.plan.values import value_tests
from directory_service.index.points import ids_of, key_of, point, points
from directory_service.index.query import SEARCH_TIME, Equal, Part, Query, Scope, View
from directory_service.index.reader import Build
from directory_service.index.schema import HIDDEN
from directory_service.index.shield import shielded_suggestions
from directory_service.index.smime import Published, served
from directory_service.index.snapshots import Later
from directory_service.index.sorting import Order, search_sorted
from directory_service.index.tree import spans_of
from directory_service.index.trusted import (
    OperatorRecord,
    client_named,
    domain_record,
    operator_named,
    operator_records,
    operators_by_certificate,
    trust_left,
    trusted_operators,
    was_held,
)
from directory_service.index.underway import BUDGET, Search
from directory_service.ldap.dn import normalise
from directory_service.model.clients import ApiClient
from directory_service.model.identifiers import parse_person_id, structure_keys
from directory_service.model.mailboxes import CertificateRule, lowered

__all__ = ["Build", "Criteria", "Directory", "Hit", "OperatorRecord", "Page", "Result", "Wishes"]

_EXACT: Final = PREPARE[MatchRule.EXACT]
HELD: Final = frozenset(ATTRIBUTES)  # attributes that entries may hold, in lower case


class Result(NamedTuple):
    """``truncated``: there are, or may be, more; ``timed_out``: the search stopped in time, with what it had."""

    build: str
    hits: list[Hit]
    truncated: bool
    timed_out: bool
    order: Order | None = None  # of a sorted search


class Directory:
    """Answers from the build that ``folder/current`` points to.  Questions raise RegistryUnavailable while there is
    none.  Close it when done."""

    def __init__(self, folder: Path, suffix: str, *, candidates: int = BUDGET) -> None:
        """``candidates``: entries that one search may look at."""
        self.folder = folder
        self._candidates = candidates
        self.suffix = normalise(suffix)
        self._points = points(self.suffix)
        self._connections = Connections(folder)
        self._reader, self._fresh = self._connections.reader, self._connections.fresh
        self.forget_answers()

    def close(self) -> None:
        """Closes the connections of every thread.  They must be done with their questions."""
        self._connections.close()

    def forget_answers(self) -> None:
        self._answers, self._suggested = Answers[Answer](MOST), Answers[Suggested](MOST_SENT)

    def held(self) -> AbstractContextManager[Build]:
        """All that this thread asks inside is answered from one commit of one build, that of the beginning."""
        return self._connections.held()

    def build(self) -> Build:
        """The build that answers: its id is in every answer of every face."""
        return self._fresh().build

    def linger(self, later: Later) -> None:
        """For the thread of an event loop that asks all the time: ``later`` is its ``call_later``."""
        self._connections.linger(later)

    def recent(self) -> Build:
        """The build that answers, as it was 20 ms ago at most: for answers that may be kept longer than that."""
        now = time.monotonic()
        return self._reader(now).recent(now)

    @property
    def _connection(self) -> sqlite3.Connection:
        """This thread's."""
        return self._reader(time.monotonic()).connection

    # --- searches ----------------------------------------------------------------------------------------------------

    def search(self, query: Query, view: View) -> Result:
        """Entries that match, best first.  Raises NotFound when the base does not exist, or not for this view."""
        now = time.monotonic()
        reader = self._reader(now)
        build = reader.recent(now)
        asked = query.filter
        if type(asked) is Equal and view < STAFF and not query.sort and (limits := self._limits(query)):
            found = point(reader, asked, limits, view, query.part)
            if found is not None:
                return Result(build.id, found[: query.limit], len(found) > query.limit, False)

        def begin(limit: int) -> Search:
            return Search(limit, view, now + query.timeout, self._candidates, query.stopped)

        with reader.snapshot():
            if query.sort:
                spans = spans_of(reader, self.suffix, replace(query, after=None), view)
                return Result(build.id, *search_sorted(reader, spans, query, begin))
            held, key = self._answers.of(build.id), (query.base, query.scope, asked, query.limit, query.after, view)
            if (known := held.known(key)) is not None:
                return Result(build.id, reader.hits(known.ids, query.part), known.truncated, False)
            search = begin(query.limit)
            reader.run(search, spans_of(reader, self.suffix, query, view), ranked=query.after is not None)
            if query.kept and not search.timed_out and len(search.ids) <= LONGEST:
                held.keep(key, Answer(array("q", search.ids), search.truncated))
            return Result(build.id, reader.hits(search.ids, query.part), search.truncated, search.timed_out)

    value_tests = staticmethod(value_tests)

    def is_point(self, query: Query) -> bool:
        """Whether keys alone answer: so quick that it may run in the event loop."""
        if type(query.filter) is Equal and self._limits(query) and key_of(query.filter):
            return True
        return query.kept and all(span.plan.is_point or span.is_single for span in self._planned(query))

    def is_quick(self, query: Query) -> bool:
        """Whether the answer most likely takes a millisecond or two.  Of what is not kept nothing is asked: to plan it
        may itself be no work for the event loop."""
        return query.kept and all(
            span.plan.is_point or span.plan.is_quick or span.is_single for span in self._planned(query)
        )

    def _planned(self, query: Query) -> list[Span]:
        """The spans of a search by anyone; none when its base does not exist, which is found out by keys."""
        try:
            return spans_of(self._reader(time.monotonic()), self.suffix, query, View.ANONYMOUS)
        except NotFound:
            return []

    def _limits(self, query: Query) -> tuple[int, int] | None:
        """The ids below a base that a look-up by one key may be asked under; None for the others."""
        limits = self._points.get((query.base, query.scope))
        return (max(limits[0], query.after), limits[1]) if limits and query.after else limits

    def suggest(self, text: str, limit: int, view: View, seconds: float = SEARCH_TIME) -> Result:
        """Mailboxes for what is typed in an address field, best first: the answer of LDAP to an address book."""
        base = f"ou=bal,{self.suffix}"
        found = self.search(Query(base, Scope.ONE, typed_filter(text), limit, seconds, part=Part.JSON), view)
        if found.hits or found.timed_out or not (behind := untitled(text)):
            return found
        return self.suggest(behind, limit, view, seconds)

    def suggested(self, text: str, limit: int, view: View) -> Suggested | None:
        """``suggestions`` that were made a moment ago; None when they must be made."""
        return self._suggested.of(self.recent().id).known((typed_key(text), limit, view))

    def suggestions(self, text: str, limit: int, view: View, seconds: float = SEARCH_TIME) -> Suggested:
        """``suggest`` as JSON, each item with what tells it from its homonyms (``index.shield``).  What is found when
        the ``seconds`` are over says so."""
        now = time.monotonic()
        held, key = self._suggested.of(self._reader(now).recent(now).id), (typed_key(text), limit, view)
        known = held.known(key)
        if known is not None:
            return known
        found = self.suggest(text, limit, view, seconds)
        # The same ``now``: the reader that has just searched, which may be of a newer build than the first one.
        items = shielded_suggestions(self._reader(now), found.hits)
        made = Suggested(found.build, tuple(hit.id for hit in found.hits), b",".join(items), found.timed_out)
        if found.build == held.build and not found.timed_out:
            held.keep(key, made)
        return made

    # --- records -----------------------------------------------------------------------------------------------------

    def practitioner(self, text: str, view: View) -> tuple[Hit, str | None]:
        """The person to whom this number was ever issued, and the number in national form when it is not the one in
        force.  Raises NotFound."""
        person = parse_person_id(text)
        if person is None:
            raise NotFound("aucun professionnel ne porte ce numéro")
        hit = self._by_keys([id_key("i", person.national)], PEOPLE, view, "aucun professionnel ne porte ce numéro")
        current = orjson.loads(hit.json)["id"]
        return hit, None if _EXACT(current) == _EXACT(person.national) else person.national

    def held_under(self, text: str, view: View) -> list[str]:
        """The addresses of a holder whom no registry of people knows, by the number that their source wrote: of a
        FINESS or SIREN and an internal number, for instance.  Empty for nobody's, and for a number of somebody known,
        who is a ``practitioner``."""
        person = parse_person_id(text)
        if person is None:
            return []
        reader, key = self._reader(time.monotonic()), id_key("i", person.national)
        if reader.by_key(key, *ids_of(PEOPLE), view):
            return []
        hits = [hit for branch in (BAL, UNLISTED) for hit in reader.by_key(key, *ids_of(branch), view)]
        return list(dict.fromkeys(str(orjson.loads(hit.json)["address"]) for hit in hits))

    def organization(self, text: str, view: View) -> Hit:
        """The structure of this FINESS, SIRET, SIREN, national or technical id.  Raises NotFound."""
        numbers = [key[1:] for key in structure_keys(text)]
        # Several may share a SIRET, and one goes by it: its own name first, then what the text may stand for.
        keys = [*(id_key("u", n) for n in numbers[:1]), *(id_key("o", n) for n in numbers)]
        return self._by_keys(keys, STRUCTURES, view, "aucune structure ne porte ce numéro")

    def near_persons(self, text: str, view: View) -> tuple[str, ...]:
        """The one or two numbers in the directory that a false one was probably meant for."""
        return nearby.near_persons(self._reader(time.monotonic()), text, view)

    def near_structures(self, text: str, view: View) -> tuple[str, ...]:
        """The same for a structure's number."""
        return nearby.near_structures(self._reader(time.monotonic()), text, view)

    def _by_keys(self, keys: Sequence[str], branch: int, view: int, otherwise: str) -> Hit:
        """The best entry of the first key that finds one."""
        reader = self._reader(time.monotonic())
        for key in keys:
            for hit in reader.by_key(key, *ids_of(branch), view):
                return hit
        raise NotFound(otherwise)

    def mailbox(self, address: str, view: View, *, unlisted: bool = False) -> dict[str, Any]:
        """``entries.record.mailbox_record`` of an address, open or closed.  Raises NotFound, for unlisted mailboxes too
        unless the view is the staff's or the caller is entitled to ``unlisted`` ones: others are not told either who
        held it only while it was."""
        connection = self._connection
        asked = lowered(address.strip())
        key = asked.casefold().lstrip(HIDDEN)
        whole = unlisted or view >= STAFF
        for place in (key, HIDDEN + key) if whole else (key,):
            for (found,) in connection.execute("SELECT json FROM mailbox WHERE address = ?", (place,)):
                known: dict[str, Any] = orjson.loads(found)
                record = known if whole else as_listed(known)
                if record and record["address"] == asked:  # not ``ſ`` for ``s``, which are one to the key
                    return record
        raise NotFound("aucune boîte ne porte cette adresse")

    def addresses_in(self, start: str) -> list[str]:
        """Listed addresses, closed ones too, by the first ``ranges.DIGITS`` digits of their hash."""
        return ranges.addresses_in(self._connection, start)

    def filling_key(self) -> bytes:
        """What ``trust.ranges`` fills its answers with; never to be shown."""
        return ranges.filling_key(self._connection)

    # --- certificates ------------------------------------------------------------------------------------------------

    def certificates(self, entries: Iterable[tuple[int, bytes]]) -> dict[int, list[bytes]]:
        """The S/MIME certificates (DER) of the addresses that these entries (id and ``ber``) show, by entry, the newest
        of each address first; entries that have none are not there.  Out of date ones are not given."""
        connection, now = self._connection, time.time()
        found = {}
        for pk, ber in entries:
            ders = [c.der for mail in find_values(ber, b"mail") for c in served(connection, mail.decode(), now)]
            if ders:
                found[pk] = list(dict.fromkeys(ders))
        return found

    def certificates_of(self, address: str) -> list[Published]:
        """Those of one address, valid at this moment, the newest first.  Who may see the mailbox is not judged here."""
        return served(self._connection, address, time.time())

    def changes(self, since: str, limit: int) -> tuple[str, Changes]:
        """The build, and what changed to the public's eyes after the place ``since`` (``0``: all that is kept).
        Raises InvalidInput for a foreign place, CursorExpired for one that is too old."""
        place = parse_place(since)
        reader = self._fresh()
        with reader.snapshot():
            found = read_changes(reader.connection, place, limit)
        return f"{reader.build.id.partition('.')[0]}.{found.seq}", found

    # --- /v1/search --------------------------------------------------------------------------------------------------

    def find(self, criteria: Criteria, view: View, limit: int, cursor: str | None, wishes: Wishes = NO_WISHES) -> Page:
        """Practitioners by the one box and by criteria: ``index.pages``.  Within a build, pages follow one another by
        ``next`` and show everybody once.  Raises InvalidInput for a foreign cursor, LimitExceeded for too many to
        sort."""
        near = self._near(wishes.near, view)  # before the snapshot: a newer build closes the reader of the older one
        now = time.monotonic()
        reader = self._reader(now)
        reader.recent(now)
        return find_page(reader, criteria, near, view, limit, cursor, wishes)

    def find_mailboxes(self, asked: Mapping[str, str], view: View, limit: int, cursor: str | None) -> BoxPage:
        """Open mailboxes by criteria (``index.boxcriteria``), in the order of rank: the pages of a build show each
        once.  Raises InvalidInput for a foreign cursor."""
        digest = digest_of(sorted(asked.items()))
        after = parse_cursor(cursor, digest).rank.id if cursor else 0
        query = Query(f"ou=bal,{self.suffix}", Scope.ONE, box_filter(asked), limit, after=after, part=Part.JSON)
        found = self.search(query, view)
        return box_page(found.build, found.hits, found.truncated or found.timed_out, limit, digest)

    def _near(self, text: str, view: View) -> Near:
        """Around a place, or a structure of which the address may be known."""
        if len(text.replace(" ", "")) <= LONGEST_PLACE:
            return near_of(text)
        try:
            return near_of(text, orjson.loads(self.organization(text, view).json))
        except NotFound:
            return near_of(text)

    # --- operators ---------------------------------------------------------------------------------------------------

    def operator(self, name: str) -> OperatorRecord | None:
        """An operator of the trusted space, suspended ones too."""
        return operator_named(self._connection, name)

    def client(self, name: str) -> ApiClient | None:
        """A program that has a key; None once it is revoked."""
        return client_named(self._connection, name)

    def operators_by_certificate(self, rules: Iterable[CertificateRule]) -> list[OperatorRecord]:
        """The operators, suspended ones too, that any of these rules names."""
        return operators_by_certificate(self._connection, rules)

    def operators_of(self, domain: str, at: str | None = None) -> list[str]:
        """Names of the operators that may be trusted for this mail domain, today or at an instant (UTC text)."""
        return trusted_operators(self._connection, domain, at)

    def holds(self, operator: str, domain: str) -> bool:
        """Whether this operator may be trusted for this mail domain today."""
        return operator in self.operators_of(domain)

    def trust_left(self, domain: str, at: str | None = None) -> str:
        """When the domain was last trusted, before ``at``; "" for never."""
        return trust_left(self._connection, domain, at)

    def operator_record(self, name: str, view: View) -> dict[str, Any]:
        """``entries.operators.operator_record``; its contacts for operators and staff only.  Raises NotFound."""
        for record in operator_records(self._connection, view, name):
            return record
        raise NotFound("aucun opérateur ne porte ce nom")

    def operator_records(self, view: View) -> list[dict[str, Any]]:
        """All of them, by name."""
        return operator_records(self._connection, view)

    def operator_states(self) -> list[dict[str, Any]]:
        """How the mailboxes of each operator fare: ``model.anomalies.OperatorState``."""
        return self._reader(time.monotonic()).operator_states()

    def domain_record(self, domain: str) -> dict[str, Any]:
        """Who may be trusted for a mail domain, and who might, since when.  Raises NotFound for one never held."""
        return domain_record(self._connection, domain)

    def has_white_list(self, at: str | None = None) -> bool:
        """Whether a white list was known, today or at an instant (UTC text)."""
        now = time.monotonic()
        reader = self._reader(now)
        reader.recent(now)
        return reader.listed_since != "" and (at is None or at >= reader.listed_since)

    def has_trust_of(self, domain: str, at: str | None = None) -> bool:
        """Whether anything says who may be trusted for a domain: a white list, or an operator made by hand that holds
        it or held it."""
        return self.has_white_list(at) or was_held(self._connection, domain, at)
