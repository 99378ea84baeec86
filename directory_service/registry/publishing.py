"""What operators write: mailboxes created, changed, moved, closed, one or thousands, in one transaction.

The same tables, journal and tally as imports.  A publication belongs to no run: its entries of the journal name the
operator and no run, so that a rollback refuses to undo what they rest on (``registry.rollback``).  A write that would
change nothing writes nothing.  How an extract that says otherwise is met is in ``importers.published``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from directory_service.errors import AnnuaireError, Conflict, Forbidden, Gone, NotFound, PreconditionFailed
from directory_service.model.mailboxes import MailboxType, domain_of
from directory_service.model.publication import Publication, invalid, merge_patch, parse_publication
from directory_service.registry.boxstate import Held, State, read_states
from directory_service.registry.boxwriter import Change, Writer
from directory_service.registry.bulk import chunks
from directory_service.registry.decisions import Kind, Outcome
from directory_service.registry.holders import Person, Place, find_people, find_places
from directory_service.registry.tables import decision, domain, operator


@dataclass(frozen=True, slots=True)
class Order:
    """One thing asked of one address, which is in lower case.  ``wish``: what it is to be, or how to change it (a merge
    patch), or None to close it.  ``versions``: it must be in one of these states, ``*`` being any; None: whatever it
    is.  ``absent``: it must not exist."""

    address: str
    wish: Publication | dict[str, Any] | None
    versions: frozenset[str] | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order.  ``act``: create, update, reopen, close; empty when there was nothing to change."""

    act: str
    version: str
    state: State


@dataclass(frozen=True, slots=True)
class Allowed:
    """An operator who may publish, and the domains that are its own."""

    domains: frozenset[str]

    def holds(self, address: str) -> bool:
        return domain_of(address) in self.domains

    def require(self, address: str) -> None:
        """Raises Forbidden, the same whether a foreign address exists or not."""
        if not self.holds(address):
            raise Forbidden("ce domaine n'est pas l'un des vôtres")


def require_publisher(connection: Connection, name: str) -> Allowed:
    """Raises Forbidden when the operator is unknown, suspended or without the right to publish: the index may not say
    so yet."""
    query = select(operator.c.id, operator.c.status, operator.c.rights).where(operator.c.name == name)
    found = connection.execute(query).first()
    if found is None or found.status != "active":
        raise Forbidden("opérateur suspendu")
    if "publish" not in found.rights.split():
        raise Forbidden("cet opérateur n'a pas le droit de publier")
    held = select(domain.c.name).where(domain.c.operator_id == found.id, domain.c.until.is_(None))
    return Allowed(frozenset(connection.execute(held).scalars()))


class Publisher:
    """One operator's writes within one transaction (``engine.writing``), at one instant."""

    def __init__(self, connection: Connection, name: str, at: str) -> None:
        """Raises Forbidden as ``require_publisher``."""
        self.connection, self.name, self.at = connection, name, at
        self.allowed = require_publisher(connection, name)

    def do(self, order: Order) -> Done:
        """One order.  Raises Forbidden, NotFound, Gone, Conflict, PreconditionFailed, InvalidField."""
        (done,) = self.do_all([order])
        if isinstance(done, AnnuaireError):
            raise done
        return done

    def do_all(self, orders: Sequence[Order]) -> list[Done | AnnuaireError]:
        """Each order's outcome, in their order; one that fails changes nothing and does not stop the others."""
        done: list[Done | AnnuaireError] = []
        for some in _without_repeats(orders):
            done += self._do_some(some)
        return done

    def _do_some(self, orders: Sequence[Order]) -> list[Done | AnnuaireError]:
        """Orders of different addresses: read together, judged one by one, written together."""
        states = read_states(self.connection, [o.address for o in orders if self.allowed.holds(o.address)])
        found: list[Publication | AnnuaireError | None] = [self._wished(o, states.get(o.address)) for o in orders]
        book = _Book(self.connection, [w for w in found if isinstance(w, Publication)], [o.address for o in orders])
        writer = Writer(self.connection, self.name, self.at)
        done = [self._judged(o, wish, states.get(o.address), book, writer)
                for o, wish in zip(orders, found, strict=True)]  # fmt: skip
        writer.write()
        return done

    def _wished(self, order: Order, state: State | None) -> Publication | AnnuaireError | None:
        """What the address is to be, in full; the same refusal whether a foreign address exists or not."""
        try:
            self.allowed.require(order.address)
            _check_conditions(order, state)
            return _in_full(order, state)
        except AnnuaireError as error:
            return error

    def _judged(
        self,
        order: Order,
        wish: Publication | AnnuaireError | None,
        state: State | None,
        book: _Book,
        writer: Writer,
    ) -> Done | AnnuaireError:
        if isinstance(wish, AnnuaireError):
            return wish
        try:
            change = self._change(order, wish, state, book, writer)
        except AnnuaireError as error:
            return error
        if change.act:
            writer.changes.append(change)
        return Done(change.act, change.after.version, change.after)

    def _change(
        self, order: Order, wish: Publication | None, state: State | None, book: _Book, writer: Writer
    ) -> Change:
        if wish is None:
            assert state is not None
            return Change.close(state, self.name, self.at)
        held = book.holder(order.address, wish)
        return Change.put(state, writer.new(order.address) if state is None else state, wish, held, self.name)


def _without_repeats(orders: Sequence[Order]) -> Iterable[list[Order]]:
    """Runs of orders in which no address comes twice: what follows must see what was done."""
    some: dict[str, Order] = {}
    for order in orders:
        if order.address in some:
            yield [*some.values()]
            some = {}
        some[order.address] = order
    if some:
        yield [*some.values()]


def _check_conditions(order: Order, state: State | None) -> None:
    """RFC 9110 13.1.1, 13.1.2: before anything else is found out."""
    if order.absent and state is not None:
        raise PreconditionFailed("cette boîte existe déjà")
    if order.versions is not None and (state is None or not {"*", state.version} & order.versions):
        raise PreconditionFailed("la boîte n'est pas dans cet état")


def _in_full(order: Order, state: State | None) -> Publication | None:
    if isinstance(order.wish, Publication):
        return order.wish
    if state is None:
        raise NotFound("aucune boîte ne porte cette adresse")
    if order.wish is None:
        return None
    if state.until is not None:
        raise Gone("la boîte est fermée")
    return _patched(state, order.wish)


def _patched(state: State, patch: dict[str, Any]) -> Publication:
    if len(state.held) > 1:
        raise Conflict("la boîte a plusieurs titulaires ou structures : dites-la en entier, par PUT")
    current = as_publication(state).as_dict()
    if state.held and state.held[0].technical:  # its national id may be shared, that one is not
        current["holder"]["structure"] = state.held[0].technical
    return parse_publication(merge_patch(current, patch))


def as_publication(state: State) -> Publication:
    """What stands, in the form in which it is published; of a closed box, what is left."""
    held = state.held[0] if state.held else Held()
    kind = MailboxType(state.type)
    return Publication(
        kind,
        held.person,
        held.structure,
        held.service,
        held.description,
        held.responsible,
        held.paperless,
        state.unlisted,
        held.preferred,
        held.rank,
        state.purposes,
        state.contacts,
    )


class _Book:
    """Whom these publications name, looked up together; and whom the staff said not to be a holder."""

    def __init__(self, connection: Connection, wishes: Sequence[Publication], addresses: Sequence[str]) -> None:
        self.people = find_people(connection, (w.person for w in wishes if w.person))
        self.places = find_places(connection, (w.structure for w in wishes if w.structure))
        self.refused = _refused(connection, addresses)
        numbers = find_people(connection, (number for _, number in self.refused))
        self.refused_people = {(a, numbers[number].pk) for a, number in self.refused if number in numbers}

    def holder(self, address: str, wish: Publication) -> Held:
        """Raises InvalidField when nobody, or several, answer to the identifier; Conflict when the staff said no."""
        person, place = self._person(wish), self._place(wish)
        owner = person.national if person else place.national if place else ""
        if (address, owner) in self.refused or (person and (address, person.pk) in self.refused_people):
            raise Conflict("l'équipe de l'annuaire a écarté ce titulaire pour cette adresse")
        who = (person.pk, person.national) if person else (None, "")
        where = (place.pk, place.national, place.technical) if place else (None, "", "")
        texts = wish.service, wish.description, wish.responsible
        return Held(0, who[0], where[0], who[1], *where[1:], *texts, wish.paperless, wish.preferred, wish.rank)

    def _person(self, wish: Publication) -> Person | None:
        if wish.person and wish.person not in self.people:
            raise invalid("holder.person", "aucun professionnel ne porte ce numéro")
        return self.people[wish.person] if wish.person else None

    def _place(self, wish: Publication) -> Place | None:
        if not wish.structure:
            return None
        found = self.places.get(wish.structure, [])
        if len(found) != 1:
            why = "aucune structure ne porte" if not found else "plusieurs structures portent"
            raise invalid("holder.structure", f"{why} ce numéro")
        return found[0]


def _refused(connection: Connection, addresses: Sequence[str]) -> set[tuple[str, str]]:
    no = decision.c.kind == str(Kind.HOLDER), decision.c.outcome == str(Outcome.REJECTED)
    query = select(decision.c.one, decision.c.other).where(*no)
    return {(one, other) for some in chunks(addresses)
            for one, other in connection.execute(query.where(decision.c.one.in_(some)))}  # fmt: skip


__all__ = ["Allowed", "Done", "Order", "Publisher", "as_publication", "require_publisher"]
