"""Was anything rewritten?  The transparency log computed anew from its events, and the registry compared with it.

Each tampering is named once, where it is: what is above a leaf or a node that does not agree is judged by what is
stored.  Reads everything once, in order (docs/reference/transparency-log.md has the time it takes); memory holds a
digest of each binding.  Nothing here writes, and nothing stops at the first fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select

from directory_service.errors import InvalidInput
from directory_service.model.events import Held, held_after, parse_leaf
from directory_service.model.merkle import EMPTY, Position, fold, grow, leaf_hash, node_hash
from directory_service.registry.batches import batches, rows
from directory_service.registry.journal import last_seq
from directory_service.registry.log import (
    bearing,
    head_payload,
    held_in,
    last_head_size,
    log_size,
    read_place,
    touched_boxes,
)
from directory_service.registry.tables import binding, log_head, log_leaf, log_node

_STEP: Final = 10_000  # leaves read at a time
KEPT: Final = 1_000  # findings named; more are counted
Check = Callable[[str], bytes]  # the JWS of a head ► its payload; raises InvalidInput
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was rewritten.  ``table``: where; ``row``: its key; ``leaf``: of the log; ``address``: whose
    binding it is about, when that can be told."""

    table: str
    row: str
    what: str
    leaf: int | None = None
    address: str | None = None


@dataclass(slots=True)
class Audit:
    """What was looked at and found.  ``pending``: changes of the journal that the log has not read yet, whose
    mailboxes were left out."""

    size: int = 0
    root: str = ""
    heads: int = 0
    bindings: int = 0
    pending: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class FormerHead:
    """A head that was seen before, checked by whoever kept it."""

    size: int
    root: str


def audit(
    connection: Connection,
    check: Check,
    former: Sequence[FormerHead] = (),
    tell: Tell = lambda _what, _done, _total: None,
) -> Audit:
    """Everything, in the caller's transaction."""
    work = _Audit(connection, check, former, tell)
    work.read_leaves()
    work.look_at_heads()
    work.compare_bindings()
    return work.result


class _Audit:
    def __init__(self, connection: Connection, check: Check, former: Sequence[FormerHead], tell: Tell) -> None:
        self.connection, self.check, self.former, self.tell = connection, check, former, tell
        self.result = Audit(size=log_size(connection))
        self.held: list[bytes | None] = []  # peaks; None: not known, since a leaf is missing
        self.roots: dict[int, bytes | None] = {0: EMPTY}  # of the sizes that heads speak of
        self.sizes = {head.size for head in former}
        self.sizes |= set(connection.execute(select(log_head.c.size)).scalars()) | {self.result.size}
        self.last: dict[tuple[str, int], tuple[int, int, int]] = {}  # address, binding ► leaf, mailbox, digest

    # --- leaves and nodes ---------------------------------------------------------------------------------------------

    def read_leaves(self) -> None:
        size = self.result.size
        for low in range(0, size, _STEP):
            self.tell("journal de transparence", low, size)
            high = min(low + _STEP, size)
            found = {row[0]: row[1:] for row in self._rows(low, high)}
            nodes = self._nodes(low, high)
            for number in range(low, high):
                self._climb(number, self._leaf(number, found.get(number)), nodes)
        self.tell("journal de transparence", size, size)
        self._count_nodes()

    def _rows(self, low: int, high: int) -> list[tuple[Any, ...]]:
        sql = "SELECT number, mailbox_id, binding_id, data, hash FROM log_leaf WHERE number >= {} AND number < {}"
        return rows(self.connection, sql.format(int(low), int(high)))

    def _leaf(self, number: int, row: tuple[Any, ...] | None) -> bytes | None:
        """The hash of a leaf, as it is stored."""
        if row is None:
            self.result.add(Finding("log_leaf", str(number), "cette feuille manque", number))
            return None
        box, key, data, digest = row[0], row[1], bytes(row[2]), bytes(row[3])
        try:
            said = parse_leaf(data)
        except InvalidInput:
            said = {}
        address = said.get("address")
        if leaf_hash(data) != digest:
            what = "l'événement et son empreinte ne s'accordent pas : l'un des deux a été récrit"
            self.result.add(Finding("log_leaf", str(number), what, number, address))
        elif not said:
            self.result.add(Finding("log_leaf", str(number), "ce n'est pas un événement", number))
        elif said["binding"] != key:
            self.result.add(Finding("log_leaf", str(number), "cette feuille parle d'un autre lien", number, address))
        if said:
            self._follow(number, box, said)
        return digest

    def _follow(self, number: int, box: int, said: dict[str, Any]) -> None:
        key = (said["address"], said["binding"])
        state = held_after(said)
        if state is None:
            self.last.pop(key, None)
        else:
            self.last[key] = (number, box, hash(state))

    def _nodes(self, low: int, high: int) -> dict[Position, bytes]:
        """Those that became complete with these leaves."""
        found: dict[Position, bytes] = {}
        for level in range(1, high.bit_length()):
            first, after = low >> level, high >> level
            where = f"level = {level} AND number >= {first} AND number < {after}"
            for number, digest in rows(self.connection, f"SELECT number, hash FROM log_node WHERE {where}"):  # noqa: S608
                found[Position(level, number)] = bytes(digest)
        return found

    def _climb(self, number: int, digest: bytes | None, nodes: dict[Position, bytes]) -> None:
        level = 0
        while number >> level & 1:
            left = self.held.pop()
            level += 1
            digest = self._node(Position(level, number >> level), left, digest, nodes)
        self.held.append(digest)
        if number + 1 in self.sizes:
            peaks = [peak for peak in self.held if peak is not None]
            self.roots[number + 1] = fold(peaks) if len(peaks) == len(self.held) else None

    def _node(
        self, at: Position, left: bytes | None, right: bytes | None, nodes: dict[Position, bytes]
    ) -> bytes | None:
        stored = nodes.get(at)
        computed = node_hash(left, right) if left is not None and right is not None else None
        if stored is None:
            self.result.add(Finding("log_node", f"{at.level}, {at.number}", f"ce nœud manque{_over(at)}"))
            return computed
        if computed is not None and stored != computed:
            what = f"ce nœud n'est pas celui de ce qu'il couvre{_over(at)} : il a été récrit, ou l'une d'elles"
            leaf = at.number << at.level
            self.result.add(Finding("log_node", f"{at.level}, {at.number}", what, leaf, self._address(at)))
        return stored

    def _address(self, at: Position) -> str | None:
        """Of a node over two leaves: whose they are."""
        if at.level > 1:
            return None
        found = [_address_of(self.connection, number) for number in (at.number << 1, (at.number << 1) + 1)]
        return ", ".join(dict.fromkeys(address for address in found if address)) or None

    def _count_nodes(self) -> None:
        size = self.result.size
        wanted, held = size - size.bit_count(), self.connection.execute(select(func.count()).select_from(log_node))
        missing = sum(f.table == "log_node" and "manque" in f.what for f in self.result.findings)
        if (number := int(held.scalar_one()) + missing - wanted) > 0:
            self.result.add(Finding("log_node", "", f"{number} nœuds de trop : des feuilles ont été ôtées"))

    # --- heads --------------------------------------------------------------------------------------------------------

    def look_at_heads(self) -> None:
        root = self.roots.get(self.result.size)
        self.result.root = root.hex() if root else ""
        sure = 0
        for size, written, at, jws in self.connection.execute(select(log_head).order_by(log_head.c.size)):
            self.result.heads += 1
            try:
                signed = self.check(jws) == head_payload(size, bytes.fromhex(written), at)
            except (InvalidInput, ValueError):
                signed = False
            if not signed:
                what = "cette tête n'est pas signée par une clé connue, ou elle a été récrite"
                self.result.add(Finding("log_head", str(size), what))
            sure = self._compare("log_head", FormerHead(size, written), sure)
        self._require_signed()
        for head in sorted(self.former, key=lambda head: head.size):
            self._compare("tête gardée", head, 0)

    def _require_signed(self) -> None:
        """A head is signed when the log has read all: without the last, leaves could be rewritten unseen."""
        if read_place(self.connection) < last_seq(self.connection):
            return  # between two pages of one reading
        last = last_head_size(self.connection)
        if last < self.result.size:
            what = f"aucune tête signée ne couvre les feuilles {last} à {self.result.size - 1} : elle a été ôtée"
            self.result.add(Finding("log_head", str(self.result.size), what, last))

    def _compare(self, table: str, head: FormerHead, sure: int) -> int:
        """The size of the last head that agrees."""
        if head.size > self.result.size:
            what = f"le journal n'a plus que {self.result.size} feuilles : il a été coupé"
            self.result.add(Finding(table, str(head.size), what))
            return sure
        root = self.roots.get(head.size)
        if root is None or root.hex() == head.root:  # None: a missing leaf, told already
            return head.size
        what = f"sa racine n'est pas celle du journal : une feuille de {sure} à {head.size - 1} a été récrite"
        self.result.add(Finding(table, str(head.size), what, sure))
        return sure

    # --- bindings -----------------------------------------------------------------------------------------------------

    def compare_bindings(self) -> None:
        waiting = self._waiting()
        for batch in batches(self.connection, binding, None):
            for box, key, held in held_in(self.connection, batch("b.id")):
                self.result.bindings += 1
                leaf, _, digest = self.last.pop((held.address, key), (None, box, None))
                if digest not in [hash(form) for form in (held, *held.as_then())] and box not in waiting:
                    self._report(key, held, leaf)
        for (address, key), (leaf, box, _) in self.last.items():
            if box not in waiting:
                what = "le journal de transparence connaît ce lien, le registre ne l'a plus"
                self.result.add(Finding("binding", str(key), what, leaf, address))

    def _waiting(self) -> set[int]:
        place, last = read_place(self.connection), last_seq(self.connection)
        self.result.pending = max(0, last - place)
        return set(touched_boxes(self.connection, bearing(self.connection, place, last)))

    def _report(self, key: int, held: Held, leaf: int | None) -> None:
        if leaf is None:
            what = "le journal de transparence ne connaît pas ce lien"
        else:
            differ = ", ".join(self._differences(held, leaf)) or "?"
            what = f"le registre ne dit plus ce que dit le journal de transparence : {differ}"
        self.result.add(Finding("binding", str(key), what, leaf, held.address))

    def _differences(self, held: Held, leaf: int) -> Iterable[str]:
        """Columns and dates; never a name."""
        data = self.connection.execute(select(log_leaf.c.data).where(log_leaf.c.number == leaf)).scalar_one()
        said = held_after(parse_leaf(bytes(data)))
        for name, now, then in zip(Held._fields, held, said or held, strict=True):
            if now != then:
                yield name if name in ("holder", "written") else f"{name} {now} au lieu de {then}"


def _over(at: Position) -> str:
    first = at.number << at.level
    return f" (feuilles {first} à {first + (1 << at.level) - 1})"


def _address_of(connection: Connection, number: int) -> str | None:
    data = connection.execute(select(log_leaf.c.data).where(log_leaf.c.number == number)).scalar()
    try:
        return str(parse_leaf(bytes(data))["address"]) if data else None
    except InvalidInput:
        return None


def each_leaf(connection: Connection, low: int, high: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, bytes and hash of the leaves ``low <= number < high``, in order."""
    for start in range(low, high, _STEP):
        where = f"number >= {int(start)} AND number < {int(min(start + _STEP, high))} ORDER BY number"
        for number, data, digest in rows(connection, f"SELECT number, data, hash FROM log_leaf WHERE {where}"):  # noqa: S608
            yield number, bytes(data), bytes(digest)


def audit_leaves(leaves: Iterable[bytes], heads: Sequence[FormerHead]) -> Audit:
    """Leaves that were exported, one after the other (their bytes, or their hashes in hexadecimal), against heads that
    were checked.  No registry, no database."""
    result, peaks, roots = Audit(), list[bytes](), {0: EMPTY}
    sizes = {head.size for head in heads}
    for number, data in enumerate(leaves):
        _, peaks = grow(number, peaks, [leaf_hash(data) if data[:1] == b"{" else _unhex(data, number)])
        if number + 1 in sizes:
            roots[number + 1] = fold(peaks)
        result.size = number + 1
    result.root = fold(peaks).hex()
    sure = 0
    for head in sorted(heads, key=lambda head: head.size):
        result.heads += 1
        found = roots.get(head.size)
        if found is None:
            result.add(Finding("fichier", str(head.size), f"il n'y a que {result.size} feuilles"))
        elif found.hex() != head.root:
            what = f"sa racine n'est pas celle du fichier : une feuille de {sure} à {head.size - 1} a été récrite"
            result.add(Finding("fichier", str(head.size), what, sure))
        else:
            sure = head.size
    return result


def _unhex(text: bytes, number: int) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise InvalidInput("une feuille ou une empreinte est attendue", where=f"ligne {number + 1}") from None
