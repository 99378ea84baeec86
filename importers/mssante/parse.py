"""Rows of the MSSanté correspondence extract, and the last column of CAT18 ► holdings | rejections.  PURE.

A holding is one line of an address: its type, its holder as written, its structure.  Whether the holder is a known
person is for the loader to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from directory_service.model.identifiers import is_finess, is_siren, is_siret
from directory_service.model.mailboxes import is_address
from importers.quality.codes import CodeChecker, Fault
from importers.rows import Holding, Line, Match, Place, Problems, getter

TYPES = frozenset({"PER", "ORG", "APP", "CAB"})  # TRE_R257
PERSONAL = frozenset({"PER", "CAB"})  # held by a person
SYSTEMS = (
    ("category", "category_code", "category"),
    ("profession", "profession_code", "profession"),
    ("expertise", "expertise_code", "expertise"),
)
_YES_NO = {
    "o": True,
    "oui": True,
    "true": True,
    "1": True,
    "y": True,
    "n": False,
    "non": False,
    "false": False,
    "0": False,
}

# TRE_G07 ► length of the number, and the letter of the technical id that says the same.
_STRUCTURES = {"0": (11, "C"), "1": (9, "F"), "2": (9, "S"), "3": (14, "C"), "4": (14, "R")}
_SOUND = {"1": is_finess, "2": is_siren, "3": is_siret}
_STRUCTURE_NAMES = {"adeli-rang": "0", "finess": "1", "siren": "2", "siret": "3", "rpps-rang": "4"}

_NAME, _TRADE_NAME = Place._fields.index("name"), Place._fields.index("trade_name")
_NUMBERS = tuple(map(Place._fields.index, ("technical_id", "finess", "siret", "siren")))


def parse_yes_no(text: str) -> bool | None:
    """*Dématérialisation*: the spelling is not known for sure (formats.md §1), so every plausible one is read."""
    return _YES_NO.get(text.strip().lower())


def parse_structure(kind: str, number: str) -> tuple[str, str]:
    """(TRE_G07 digit, number without it) of a structure; the number may or may not repeat its type digit."""
    kind = _STRUCTURE_NAMES.get(kind.strip().lower(), kind.strip())
    number = number.strip()
    length = _STRUCTURES.get(kind, (0, ""))[0]
    if len(number) == length + 1 and number.startswith(kind):
        number = number[1:]
    return kind, number


def with_first_zero(kind: str, number: str) -> str:
    """The number of a structure, with the first zero that a spreadsheet took if its key says that one is missing."""
    if kind not in _SOUND or len(number) != _STRUCTURES[kind][0] - 1:
        return number
    whole = "0" + number
    return whole if _SOUND[kind](whole) else number


def technical_id(kind: str, number: str) -> str:
    """The key of table ``organization``: as the activity extract would write it, ``S`` + SIREN being ours."""
    return _STRUCTURES.get(kind, (0, kind))[1] + number if number else ""


class HoldingParser:
    """One line of the MSSanté extract."""

    systems = SYSTEMS

    def __init__(self, match: Match, problems: Problems) -> None:
        self.problems = problems
        self.caption = match.caption
        head = ("type", "address", "national_id", "id_type", "id", "family_name", "given_names")
        self.head = getter(match, head)
        self.codes = getter(match, ("category_code", "profession_code", "expertise_code", "service"))
        self.rest = getter(match, ("paperless", "place_type", "place_id"))
        self.place = getter(match, Place._fields)
        self.label_pairs = getter(match, [name for _, code, label in SYSTEMS for name in (code, label)])
        self.checker = CodeChecker(SYSTEMS)
        self.met: dict[tuple[str, ...], tuple[Fault, ...]] = {}

    def labels(self, line: Line) -> list[tuple[str, ...]]:
        """Code, label, code, label… when these were not met together before; tells what rules they trip."""
        pairs = self.label_pairs(line.values)
        faults, new = self.met.get(pairs), []
        if faults is None:
            self.met[pairs] = faults = self.checker.check(pairs)
            new = [pairs]
        self.tell(line, faults)
        return new

    def tell(self, line: Line, faults: Sequence[tuple[str, str, str]]) -> None:
        """What rules a line trips."""
        for field, rule, value in faults:
            self.problems.warn(rule, line.number, self.caption(field), value)

    def parse(self, line: Line) -> Holding | None:
        kind, written, national, scheme, number, family, given = self.head(line.values)
        kind, address = kind.strip().upper(), written.strip().lower()
        if not is_address(address):
            return self._no(line, "address", "address")
        if kind not in TYPES:
            return self._no(line, "type", "type")
        if kind in PERSONAL and not family.strip():
            return self._no(line, "family_name", "name")
        if address != written:
            self._warn(line, "address", "address_spelling", written)
        national = national.strip() or (scheme.strip() + number.strip() if number.strip() else "")
        paperless, place_type, place_id = self.rest(line.values)
        place, said = self._place(line, place_type, place_id), parse_yes_no(paperless)
        if said is None and paperless.strip():
            self._warn(line, "paperless", "paperless", paperless)
        if kind not in PERSONAL:
            self._organization(line, national or family or given, place)
        category, profession, specialty, service = self.codes(line.values)
        return Holding(kind, address, national, family, given, category, profession, specialty, service, said, place)

    def _organization(self, line: Line, person: str, place: Place | None) -> None:
        """A box that no person holds: what of a person stands there is not read (``boxes.BoxLoader``)."""
        if person:
            self._warn(line, "family_name", "person_on_organization", person)
        if place is None:
            self._warn(line, "place_id", "box_without_structure", "")

    def _place(self, line: Line, kind: str, number: str) -> Place | None:
        values = list(self.place(line.values))
        kind, written = parse_structure(kind, number)
        number = with_first_zero(kind, written)
        if number != written:
            self._warn(line, "place_id", "structure_spelling", written)
        if not number and not (values[_NAME] or values[_TRADE_NAME]):
            return None
        numbers = (
            technical_id(kind, number),
            number if kind == "1" else "",
            number if kind == "3" else "",
            number[:9] if kind in ("2", "3") else "",
        )
        for at, value in zip(_NUMBERS, numbers, strict=True):
            values[at] = value
        return Place._make(values)

    def _warn(self, line: Line, field: str, rule: str, value: str) -> None:
        self.problems.warn(rule, line.number, self.caption(field), value)

    def _no(self, line: Line, field: str, reason: str) -> Holding | None:
        """Rejects the row; None, so that the caller can return it."""
        self.problems.reject(line, self.caption(field), reason)
        return None
