"""What a white list moves: domains that open, close or change hands, and the mailboxes that they carry.  PURE.

``moved``: an operator lost the domain and another got it; ``joined``, ``left``: one more or fewer of several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from directory_service.model.numbers import grouped
from directory_service.model.thresholds import Thresholds
from importers.breaker import passes, share
from importers.report import Breach, counted

Holders = Mapping[str, frozenset[str]]  # domain ► names of the operators that hold it
ACTS = ("opened", "closed", "moved", "joined", "left")
_FRENCH = {
    "closed": ("sort de l'espace de confiance", "sortent de l'espace de confiance"),
    "moved": ("change d'opérateur", "changent d'opérateur"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """One domain; ``left`` and ``came``: operators that hold it no longer, and those that do now."""

    domain: str
    act: str
    left: tuple[str, ...]
    came: tuple[str, ...]
    mailboxes: int


@dataclass(frozen=True, slots=True)
class TrustImpact:
    """``before``: domains held before; ``mailboxes``: open ones, in all and under those domains; ``operators``: domains
    that each held and lost, those of closed and moved ones; ``outside``: mailboxes that no operator's domain carries
    now."""

    moves: tuple[Move, ...]  # those that carry most first
    before: int
    mailboxes: int
    operators: Mapping[str, tuple[int, int]]  # held, lost
    outside: int
    outside_domains: int

    def total(self, act: str) -> tuple[int, int]:
        """Domains, and the mailboxes under them."""
        some = [m.mailboxes for m in self.moves if m.act == act]
        return len(some), sum(some)

    def as_dict(self, movers: int = 20) -> dict[str, Any]:
        acts = {act: {"domains": domains, "mailboxes": boxes} for act in ACTS for domains, boxes in [self.total(act)]}
        return {
            **acts,
            "touched": len(self.moves),
            "before": self.before,
            "mailboxes": sum(m.mailboxes for m in self.moves),
            "outside": {"domains": self.outside_domains, "mailboxes": self.outside},
            "movers": [
                {"domain": m.domain, "act": m.act, "from": list(m.left), "to": list(m.came), "mailboxes": m.mailboxes}
                for m in self.moves[:movers]
            ],
        }


def compare(before: Holders, after: Holders, boxes: Mapping[str, int]) -> TrustImpact:
    """``boxes``: open mailboxes by domain."""
    moves = [m for domain in before.keys() | after.keys() if (m := _move(domain, before, after, boxes))]
    lost = Counter(name for m in moves for name in m.left)
    held = Counter(name for names in before.values() for name in names)
    outside = [n for domain, n in boxes.items() if n and not after.get(domain)]
    return TrustImpact(
        tuple(sorted(moves, key=lambda m: (-m.mailboxes, m.domain))),
        sum(1 for names in before.values() if names),
        sum(boxes.values()),
        {name: (held[name], number) for name, number in lost.items()},
        sum(outside),
        len(outside),
    )


def _move(domain: str, before: Holders, after: Holders, boxes: Mapping[str, int]) -> Move | None:
    was, now = before.get(domain, frozenset()), after.get(domain, frozenset())
    if was == now:
        return None
    left, came = tuple(sorted(was - now)), tuple(sorted(now - was))
    act = "opened" if not was else "closed" if not now else "joined" if not left else "moved" if came else "left"
    return Move(domain, act, left, came, boxes.get(domain, 0))


def of_trust(impact: TrustImpact, limits: Thresholds) -> Iterator[Breach]:
    """Thresholds that a list passes: shares of the domains, of the mailboxes, of the domains of one operator."""
    for act, limit in (("closed", limits.removed), ("moved", limits.moved)):
        domains, boxes = impact.total(act)
        for unit, number, whole in (("domaine", domains, impact.before), ("boîte", boxes, impact.mailboxes)):
            if passes(number, whole, limit, limits.floor):
                under = "" if unit == "domaine" else f", de {counted(domains, 'domaine')},"
                said = f"{counted(number, unit)} sur {grouped(whole)}{under} {_FRENCH[act][number > 1]}"
                yield share(f"domain_{act}", f"trust {unit}s", said, number, whole, limit)
    for name, (held, lost) in sorted(impact.operators.items()):
        if held >= limits.group_size and passes(lost, held, limits.group_removed, limits.floor):
            goes = "le quittent" if lost > 1 else "le quitte"
            said = f"opérateur {name} : {counted(lost, 'domaine')} sur {grouped(held)} {goes}"
            yield share("operator_domains", f"operator {name}", said, lost, held, limits.group_removed)
