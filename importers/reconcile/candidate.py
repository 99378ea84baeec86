"""What the matching knows of a record.  PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record.  ``structures``: identifiers of structures with the profession exercised there; ``places``:
    postcodes; ``departments``: of these, and the one that issued an ADELI number; ``mailboxes``: personal addresses
    ever held."""

    pk: int
    has_rpps: bool
    family_name: str
    given_names: str
    civility: str
    structures: frozenset[tuple[str, str]] = frozenset()  # (profession code, structure key)
    mailboxes: frozenset[str] = frozenset()
    national_id: str = ""
    professions: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()


Pair = tuple[int, int]  # keys of the record under an ADELI number only and of the one under an RPPS number
