"""Rows of the RPPS and CAT18 extracts ► persons, diplomas, expertise | rejections.  PURE.

HOT PATH: one ``itemgetter`` per group of columns, so that a row costs one split and a few C calls: about 9 µs with its
decoding.  Bench: ``python -m bench load``; the slow twin is in tests/generative/test_parse_twin.py.  Rows are lists of
values padded with an empty one, which is where an absent column points.
"""

from __future__ import annotations

from collections.abc import Sequence

from directory_service.model.identifiers import adeli_key_ok, adeli_plausible, is_adeli, is_rpps
from importers.quality.codes import CodeChecker, Fault
from importers.quality.places import PlaceChecker
from importers.rows import (
    NO_PLACE,
    Activity,
    Doubt,
    Line,
    Match,
    Numbers,
    Person,
    Place,
    PlaceNumbers,
    Problems,
    getter,
)

# Systems of nomenclature whose labels an activity row gives: (system, code field, label field).
SYSTEMS = (
    ("title", "title_code", "title"),
    ("civility", "civility_code", "civility"),
    ("profession", "profession_code", "profession"),
    ("category", "category_code", "category"),
    ("mode", "mode_code", "mode"),
    ("sector", "sector_code", "sector"),
    ("section", "section_code", "section"),
    ("role", "role_code", "role"),
    ("kind", "kind_code", "kind"),
    ("expertise_type", "expertise_type_code", "expertise_type"),
    ("expertise", "expertise_code", "expertise"),
)
DIPLOMA_SYSTEMS = (
    ("diploma_type", "diploma_type_code", "diploma_type"),
    ("diploma", "diploma_code", "diploma"),
    ("authorization_type", "authorization_type_code", "authorization_type"),
    ("authorization", "authorization_code", "authorization"),
)
EXPERTISE_SYSTEMS = (SYSTEMS[2], SYSTEMS[3], SYSTEMS[9], SYSTEMS[10])

_IDENTITY = ("title_code", "civility_code", "family_name", "given_names", "profession_code", "category_code")
_CODES = ("profession_code", "category_code", "mode_code", "sector_code", "section_code", "role_code", "kind_code",
          "authority")  # fmt: skip
_EXPERTISE = ("profession_code", "expertise_type_code", "expertise_code")
# Labels that are held against their codes on every row (the others, where codes are met together first): what people
# read of a person.  A label more takes a tenth of a microsecond a row.
_LABELS = ("profession", "expertise")
_SALARIED = "S"  # TRE_R23
_DIPLOMA = ("diploma_type_code", "diploma_code", "authorization_type_code", "authorization_code")


class Identifiers:
    """Who a row is about: type digit and number, checked."""

    def __init__(self, match: Match, problems: Problems) -> None:
        self.problems = problems
        self.fields = getter(match, ("id_type", "id", "national_id"))
        self.names = getter(match, ("family_name", "given_names"))
        self.caption = match.caption("id")
        self.last: tuple[str, ...] = ()  # good ones, of the row before

    def parse(self, line: Line) -> tuple[str, str] | None:
        fields = self.fields(line.values)
        scheme, value, national = fields
        if fields == self.last:
            return scheme, value
        found = self._parse(line, scheme, value, national)
        if found:
            self.last = fields
        return found

    def _parse(self, line: Line, scheme: str, value: str, national: str) -> tuple[str, str] | None:
        if national and national != scheme + value:
            return self._no(line, "id_mismatch")
        if scheme == "8":
            return (scheme, value) if is_rpps(value) else self._no(line, "rpps_key")
        if scheme != "0":
            return self._no(line, "id_type")
        if not is_adeli(value):
            return self._no(line, "adeli_form")
        if not adeli_key_ok(value):
            self._doubt(line, "adeli_key")
        elif not adeli_plausible(value):
            self._doubt(line, "adeli_digits")
        return scheme, value

    def _named(self, line: Line) -> Doubt:
        scheme, value, _ = self.fields(line.values)
        return Doubt(scheme + value, *self.names(line.values))

    def _doubt(self, line: Line, rule: str) -> None:
        self.problems.warn(rule, line.number, self.caption, self.fields(line.values)[1], self._named(line))

    def _no(self, line: Line, reason: str) -> tuple[str, str] | None:
        """Rejects the row; None, so that the caller can return it."""
        self.problems.reject(line, self.caption, reason, doubt=self._named(line))
        return None


class CodeRules:
    """The codes and labels of a row: told when they were not met together before, with what rules they trip."""

    def __init__(self, match: Match, problems: Problems, systems: Sequence[tuple[str, str, str]]) -> None:
        self.match, self.problems = match, problems
        self.pairs = getter(match, [name for _, code, label in systems for name in (code, label)])
        self.checker = CodeChecker(systems)
        self.known: dict[tuple[str, ...], tuple[Fault, ...]] = {}

    def faults(self, row: list[str], labels: list[tuple[str, ...]]) -> tuple[Fault, ...]:
        """Adds code, label, code, label… to ``labels`` where they are new."""
        pairs = self.pairs(row)
        found = self.known.get(pairs)
        if found is None:
            self.known[pairs] = found = self.checker.check(pairs)
            labels.append(pairs)
        return found

    def tell(self, number: int, faults: Sequence[Fault]) -> None:
        for field, rule, value in faults:
            self.problems.warn(rule, number, self.match.caption(field), value)


# Of the codes of a row: number of those of an activity, whether they say one, number of those of an expertise or -1,
# what rules they trip.
_Met = tuple[int, bool, int, tuple[Fault, ...]]


class PersonParser:
    """All the rows of one person in an activity extract.  Structures and codes are told once in ``places`` and
    ``codes``, then by their numbers."""

    systems = SYSTEMS

    def __init__(self, match: Match, problems: Problems) -> None:
        self.problems = problems
        self.identifiers = Identifiers(match, problems)
        self.identity = getter(match, _IDENTITY)
        self.read_codes = getter(match, _CODES)
        self.expertise = getter(match, _EXPERTISE)
        self.place = getter(match, Place._fields)
        self.street_type = getter(match, ("street_type", "street_type_code"))
        self.name_caption = match.caption("family_name")
        self.name_at = match.index("family_name")
        self.technical_at, self.mode_at = match.index("technical_id"), match.index("mode_code")
        self.technical_caption = match.caption("technical_id")
        self.street_at = Place._fields.index("street_type")
        self.places, self.codes = PlaceNumbers(), Numbers()
        # Every code of a row, and some labels ► what they are: few, for many rows.
        codes = (*_CODES, *_EXPERTISE, *(code for _, code, _ in SYSTEMS))
        self.coded = getter(match, tuple(dict.fromkeys((*codes, *_LABELS))))
        self.met: dict[tuple[str, ...], _Met] = {}
        self.code_rules, self.place_checker = CodeRules(match, problems, SYSTEMS), PlaceChecker()
        self.faulty = self.place_checker.faulty
        self.given_caption = match.caption("given_names")

    def parse(self, lines: Sequence[Line]) -> Person | None:
        """None when no row of hers can be kept.  The first good row says who she is; each is of one type and number."""
        named = [line for line in lines if line.values[self.name_at].strip() or self._nameless(line)]
        good = [line for line in named if self.identifiers.parse(line)]
        if not good:
            return None
        scheme, value, _ = self.identifiers.fields(good[0].values)
        activities: list[Activity] = []
        expertises: list[int] = []
        labels: list[tuple[str, ...]] = []
        for at, row in good:
            number, practises, expertise, faults = self.met.get(self.coded(row)) or self._meet(row, labels)
            place = self.places.known.get(row[self.technical_at]) or self._number(at, row)
            if faults:
                self.code_rules.tell(at, faults)
            if place in self.faulty:
                self.code_rules.tell(at, self.faulty[place])
            elif practises and not place and row[self.mode_at] == _SALARIED:
                self.problems.warn("activity_without_structure", at, self.technical_caption)
            if place or practises:  # else the row only says that she exists
                activities.append((place, number))
            if expertise >= 0:
                expertises.append(expertise)
        if len(good) > 1:
            activities, expertises = list(dict.fromkeys(activities)), list(dict.fromkeys(expertises))
        identity = self.identity(good[0].values)
        if not identity[3]:
            self.problems.warn("given_names", good[0].number, self.given_caption)
        return Person(scheme, value, identity, activities, expertises, labels)

    def _nameless(self, line: Line) -> bool:
        """Rejects the row; False, so that the caller leaves it out."""
        self.problems.reject(line, self.name_caption, "name")
        return False

    def _meet(self, row: list[str], labels: list[tuple[str, ...]]) -> _Met:
        """Codes that were not met together before."""
        codes, expertise = self.read_codes(row), self.expertise(row)
        number = self.codes.of(codes, codes)
        known = self.codes.of(expertise, expertise) if expertise[2] else -1
        faults = self.code_rules.faults(row, labels)
        self.met[self.coded(row)] = met = number, any(codes[2:7]), known, faults
        return met

    def _number(self, at: int, row: list[str]) -> int:
        place = self.place(row)
        if not place[0] and not any(place[:-1]):
            return NO_PLACE
        if not place[self.street_at]:
            kind = self.street_type(row)
            place = (*place[: self.street_at], kind[0] or kind[1], *place[self.street_at + 1 :])
        number = self.places.of_place(at, place)
        self.place_checker.meet(number, place)
        return number


class DetailParser:
    """All the rows of one person in the diploma or expertise extract: the distinct tuples of her codes, which ``codes``
    tells once."""

    def __init__(self, match: Match, problems: Problems) -> None:
        self.problems = problems
        diploma = match.layout.of_diplomas
        self.systems = DIPLOMA_SYSTEMS if diploma else EXPERTISE_SYSTEMS
        self.identifiers = Identifiers(match, problems)
        self.read_codes = getter(match, _DIPLOMA if diploma else _EXPERTISE)
        self.codes = Numbers()
        self.identity = getter(match, _IDENTITY)
        self.code_rules = CodeRules(match, problems, self.systems)
        self.checked = not diploma  # of diplomas there is no list, and a label is read with its first code

    def parse(self, lines: Sequence[Line]) -> tuple[tuple[str, ...], list[int], list[tuple[str, ...]]] | None:
        """(identity, numbers of the codes of each row, labels); None when no row can be kept."""
        good = [line for line in lines if self.identifiers.parse(line)]
        if not good:
            return None
        numbers: list[int] = []
        labels: list[tuple[str, ...]] = []
        known = self.codes.known
        for at, row in good:
            codes = self.read_codes(row)
            number = known.get(codes)
            if number is None:
                number = self.codes.of(codes, codes) if any(codes) else -1
            elif not self.checked:
                numbers.append(number)
                continue
            if faults := self.code_rules.faults(row, labels):
                self.code_rules.tell(at, faults)
            if number >= 0:
                numbers.append(number)
        return self.identity(good[0].values), list(dict.fromkeys(numbers)), labels
