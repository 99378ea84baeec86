"""Which operator each certificate name of a list means.  PURE.

An operator is an organization: all certificates whose name holds its number (or, without one, its name) are its own.
One that is known already is found by a certificate name, by the rule of a client certificate, then by its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from directory_service.model.subjects import Party, party_of, slug, subject_key


@dataclass(slots=True)
class Known:
    """What the registry knows of operators: their keys, by what may name them."""

    by_subject: dict[str, int] = field(default_factory=dict)
    by_rule: Mapping[str, int] = field(default_factory=dict)  # subjects of client certificates
    by_number: dict[str, int] = field(default_factory=dict)  # idNat_Struct
    by_party: dict[str, int] = field(default_factory=dict)  # Party.key of the subjects that it is known by
    names: set[str] = field(default_factory=set)

    def find(self, subject: str) -> int | None:
        key, party = subject_key(subject), party_of(subject)
        for found in (self.by_subject.get(key), self.by_rule.get(key), self.by_number.get(party.number),
                      self.by_party.get(party.key)):  # fmt: skip
            if found is not None:
                return found
        return None


def new_parties(known: Known, subjects: Iterable[str]) -> dict[str, Party]:
    """The organizations that no operator of the registry is, by the name that their operator gets."""
    missing = {p.key: p for s in sorted(subjects) if known.find(s) is None for p in [party_of(s)]}
    shared = Counter(slug(p.label) for p in missing.values())
    named: dict[str, Party] = {}
    for party in missing.values():
        name = slug(party.label)
        if shared[name] > 1 or name in known.names:
            name = f"{name}-{party.number.lower()}" if party.number else name
        named[_free(name, known.names | named.keys())] = party
    return named


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
