"""One person ► her lines in every extract.

Hot: called 1.7 million times at national scale (about 40 µs each, bench: ``annuaire sample --people 1700000``); plain
f-strings on values prepared by column.  Separators are those of the real files (formats.md §1): ``|`` without
quoting, and ``;`` with every field double-quoted for CAT18.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from directory_service.model import nomenclature
from importers.sample import country as land
from importers.sample.addresses import SERVICE_LABELS, SERVICES, domain_names, homonym_numbers, local_part, style
from importers.sample.adeli import adeli_numbers, former_ids
from importers.sample.boxes import COMMON_DOMAINS, NOWHERE
from importers.sample.names import given_names, slug, spelt, surnames
from importers.sample.places import KINDS
from importers.sample.professions import LABELS, PROFESSIONS, STUDENT_LABELS, expertises
from importers.sample.structures import NO_STRUCTURE, Structure, Structures
from importers.sample.variants import Variant, other_family, other_given, variant_of

_TITLES = ("|", "DR|Docteur", "PR|Professeur")
_CIVILITIES = ("", "M|Monsieur", "MME|Madame")
_MODES = {"L": f"L|{nomenclature.label('mode', 'L')}", "S": "S|Salarié", "B": "B|Bénévole"}
_NO_EXPERTISE = "|||"
_ROLES = {c: f"{c}|{shown}" for c, shown in nomenclature.codes("role").items()}
_KINDS = {c: f"{c}|{shown}" for c, shown in nomenclature.codes("kind").items()}
_SECTIONS = {c: f"{c}|{shown}" for c, shown in nomenclature.codes("section").items()}
_DIPLOMA_TYPES = {
    "DE": "Diplôme d'Etat français",
    "DES": "Diplôme d'études spécialisées",
    "DU": "Diplôme universitaire",
}
_SHOP_ROLES = ("FON-03", "FON-05", "FON-05", "FON-04")


class Person(NamedTuple):
    """The columns of ``country.People`` for one person, as plain Python values, and texts made in bulk."""

    row: int
    id: int
    rpps: int
    arrived: int
    profession: int
    sex: int
    surname: int
    birth: int
    box_surname: int
    given: int
    spelling: int
    work: list[int]
    expertise: list[int]
    diplomas: int
    student: int
    title: int
    registry: int
    present: int
    box_domain: list[int]
    box_site: list[int]
    box_open: list[int]
    box_opened_first: list[int]
    box_ever: list[int]
    box_repeated: int
    adeli: int
    adeli_count: int
    cat18: int
    home_work: int
    box_number: list[int]


@dataclass
class Lines:
    """Lines of one slice of the country, by file."""

    activity: list[str] = field(default_factory=list)
    diploma: list[str] = field(default_factory=list)
    expertise: list[str] = field(default_factory=list)
    mailbox: list[str] = field(default_factory=list)
    adeli: list[str] = field(default_factory=list)
    cat18: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)


class RowWriter:
    """Tells people's lines; holds what is common to a whole country."""

    def __init__(self, country: land.Country, variants: float = 0.0) -> None:
        self._variants = variants  # share of older rows that tell of each point otherwise
        self._people = country.people
        self._surnames = surnames().names
        self._given = ((), given_names(1).names, given_names(2).names)
        self._domains = domain_names(country)
        self._styles = [style(d) for d in range(len(self._domains))]
        self._numbers = homonym_numbers(country.people)
        self._adeli, self._older = adeli_numbers(country.people)
        self._structures = Structures(country, self._surnames, former_ids(country, self._adeli))
        self._structures.institutions  # noqa: B018 made before the processes part
        self._expertise = expertises()
        self._country = country

    # --- one slice --------------------------------------------------------------------------------------------

    def people(self, start: int, stop: int) -> Iterator[Person]:
        columns = (
            self._numbers if name == "box_number" else getattr(self._people, {"id": "ids"}.get(name, name))
            for name in Person._fields[1:]
        )
        rows = zip(range(start, stop), *(c[start:stop].tolist() for c in columns), strict=True)
        return map(Person._make, rows)

    def lines(self, start: int, stop: int) -> Lines:
        """Every line about people ``start`` to ``stop``."""
        lines = Lines()
        for p in self.people(start, stop):
            family, given = self._names(p)
            addresses = self._addresses(p)
            if p.registry == land.REGISTERED and p.present:
                self._write_rpps(p, family, given, lines)
            self._write_mailboxes(p, family, given, addresses, lines.mailbox)
            if p.adeli:
                self._write_adeli(p, lines)
            if p.cat18:
                self._write_cat18(p, addresses, lines.cat18)
            lines.truth.append(self._truth(p, family, given, addresses))
        return lines

    def _names(self, p: Person) -> tuple[str, str]:
        """Spelling styles: capitals without or with accents, given name in small letters or not."""
        accents = p.spelling in (1, 3)
        family = spelt(self._surnames[p.surname], accents, True)
        return family, spelt(self._given[p.sex][p.given], p.spelling > 0, p.spelling < 2)

    def _addresses(self, p: Person) -> tuple[str, str]:
        if not (p.box_ever[0] or p.box_ever[1]):
            return "", ""
        given, family = slug(self._given[p.sex][p.given]), slug(self._surnames[p.box_surname])
        first, second = (
            f"{local_part(given, family, self._styles[d], n)}@{self._domains[d]}" if ever else ""
            for d, n, ever in zip(p.box_domain, p.box_number, p.box_ever, strict=True)
        )
        return first, second

    # --- RPPS -------------------------------------------------------------------------------------------------

    def _write_rpps(self, p: Person, family: str, given: str, lines: Lines) -> None:
        ident = f"8|{p.rpps}|8{p.rpps}"
        category = "E" if p.student else "M" if p.id % 233 == 3 else "F" if p.id % 97 == 11 else "C"
        profession = f"{self._profession(p)}|{category}|{nomenclature.label('category', category)}"
        head = f"{ident}|{_TITLES[p.title]}|{_CIVILITIES[p.sex]}|{family}|{given}|{profession}"
        known = [e for e in p.expertise if e >= 0]
        shown = [self._expertise.columns[e] for e in known if self._expertise.ordinal[e]] or [_NO_EXPERTISE]
        authority = PROFESSIONS[p.profession].authority
        for rank, work in enumerate(w for w in p.work if w != NOWHERE):
            place = self._structures.at(work)
            tail = f"{'|'.join(place.fields)}|{authority}|{place.sector}|{self._duties(p, work, rank)}"
            mode = _MODES["L" if work >= 0 else "B" if p.id % 331 == 7 else "S"]
            lines.activity.extend([f"{head}|{e}|{mode}|{tail}" for e in shown])
        if p.work[0] == NOWHERE:
            lines.activity.extend([f"{head}|{e}|{_NO_PLACE}|{authority}|{_NO_DUTIES}" for e in shown])
        named = f"{ident}|{family}|{given}"
        lines.expertise.extend([f"{named}|{profession}|{self._expertise.columns[e]}" for e in known])
        self._write_diplomas(p, named, lines.diploma)

    def _profession(self, p: Person) -> str:
        label = STUDENT_LABELS[p.profession] if p.student else LABELS[p.profession]
        return f"{PROFESSIONS[p.profession].code}|{label}"

    def _duties(self, p: Person, work: int, rank: int) -> str:
        """Section, role and kind of activity; a few codes whose validity has ended."""
        code, kind = PROFESSIONS[p.profession].code, "GENR05" if p.id % 401 == 9 else "GENR01"
        if p.id % 37 == 5 and rank == 0:
            kind = "GENR03"
        section = "|"
        if code == "21":
            section = _SECTIONS["A" if p.id % 3 == 0 else "D"]
            role = _SHOP_ROLES[p.id % 4]
        else:
            role = "FON-01" if work >= 0 else "FON-35" if p.id % 211 == 1 else "FON-48" if p.student else "FON-33"
        return f"{section}|{_ROLES[role]}|{_KINDS[kind]}"

    def _write_diplomas(self, p: Person, named: str, lines: list[str]) -> None:
        diplomas = PROFESSIONS[p.profession].diplomas
        for rank in range(0 if p.student else p.diplomas):
            code, label = diplomas[rank % len(diplomas)]
            kind = "DE" if rank == 0 else "DES" if code.startswith("DES") else "DU"
            shown = f"{kind}|{_DIPLOMA_TYPES[kind]}|{code}|{label}" if rank < len(diplomas) else _UNIVERSITY
            lines.append(f"{named}|{shown}|{_AUTHORIZED if p.id % 59 == rank else '|||'}")

    # --- mailboxes --------------------------------------------------------------------------------------------

    def _write_mailboxes(
        self, p: Person, family: str, given: str, addresses: tuple[str, str], lines: list[str]
    ) -> None:
        for slot in (0, 1):
            if not p.box_open[slot]:
                continue
            address = addresses[slot]
            who = self._holder(p, address)
            tail = self._mailbox_tail(p, family, given)
            lines.append(f"PER|{address}|{who}|{self._box_structure(p, slot, tail)}")
            if p.box_repeated and slot == 0:
                lines.append(self._again(p, address, who, tail))

    def _holder(self, p: Person, address: str) -> str:
        if p.registry == land.REGISTERED:
            return f"8|{p.rpps}|8{p.rpps}"
        if p.registry == land.ADELI_ONLY:
            return f"0|{self._adeli[p.row]}|0{self._adeli[p.row]}"
        if p.id % 3:  # in no registry: TRE_G08 type 10 or a number of the structure's own
            return f"10|{address}|10{address}"
        finess = self._structures.institutions[0].number
        return f"3|{finess}/{p.id}|3{finess}/{p.id}"

    def _mailbox_tail(self, p: Person, family: str, given: str) -> str:
        """Title to paperless: what the file says of the person."""
        title = _TITLES[p.title].partition("|")[0] or _CIVILITIES[p.sex].partition("|")[0]
        category = "E|Etudiant" if p.student else "C|Civil"
        profession = "|||" if p.registry == land.MAILBOX_ONLY else f"{category}|{self._profession(p)}"
        known = self._expertise.columns[p.expertise[0]].split("|", 2)[2] if p.expertise[0] >= 0 else "|"
        return f"{title}|{family}|{given}|{profession}|{known}|{_PAPERLESS[p.id % 7]}"

    def _box_structure(self, p: Person, slot: int, tail: str) -> str:
        site = p.box_site[slot]
        if site == NOWHERE and p.id % 5 < 2 and p.work[0] != NOWHERE:
            site = p.work[0]
        service = SERVICE_LABELS[p.id % len(SERVICE_LABELS)] if site < NOWHERE and p.id % 3 else ""
        return _mailbox_columns(self._structures.at(site), service, tail, site % 7 == 0)

    def _again(self, p: Person, address: str, who: str, tail: str) -> str:
        """The same address once more: under the person's ADELI number, else at another structure of hers."""
        if self._adeli[p.row]:
            who = f"0|{self._adeli[p.row]}|0{self._adeli[p.row]}"
        work = next((w for w in p.work[1:] if w != NOWHERE), -2 - p.id % len(self._structures.institutions))
        return f"PER|{address}|{who}|{_mailbox_columns(self._structures.at(work), 'CONSULTATIONS', tail, False)}"

    def organization_lines(self) -> Iterator[str]:
        """The ORG rows of the mailbox file."""
        boxes, sites = self._country.organization_boxes, self._country.institutions
        common = self._domains.index("pharmacien.mssante.fr")
        for site, rank, opened in zip(boxes.site.tolist(), boxes.rank.tolist(), boxes.open.tolist(), strict=True):
            if not opened:
                continue
            place, domain = self._structures.institutions[site], int(sites.domain[site])
            if domain < 0:
                address = f"{KINDS[int(sites.kinds[site])].slug}.{place.number}@{self._domains[common]}"
            else:
                turn = rank // len(SERVICES) or ""
                address = f"{SERVICES[rank % len(SERVICES)]}{turn}@{self._domains[len(COMMON_DOMAINS) + domain]}"
            service = SERVICE_LABELS[rank % len(SERVICES)] if domain >= 0 else ""
            tail = _NO_HOLDER + _PAPERLESS[(site + rank) % 7]
            yield f"ORG|{address}||||{_mailbox_columns(place, service, tail, site % 7 == 0)}"

    # --- ADELI, CAT18, links ----------------------------------------------------------------------------------

    def _old_names(self, p: Person, birth_share: int) -> tuple[str, str]:
        """Older files: capitals without accents, and now and then the name at birth."""
        under_birth = p.birth != p.box_surname and (p.adeli == land.HIDDEN or p.id % 20 < birth_share)
        family = spelt(self._surnames[p.birth if under_birth else p.box_surname], False, True)
        return family, spelt(self._given[p.sex][p.given], False, True)

    def _write_adeli(self, p: Person, lines: Lines) -> None:
        number, older = self._adeli[p.row], self._older[p.row]
        variant = self._variant(p)
        if p.adeli in land.IN_ADELI_FILE:
            family, given = self._old_names(p, 0 if p.adeli in (land.SAME_STRUCTURE, land.SHARED_MAILBOX) else 6)
            if variant.family:
                family = other_family(family, spelt(self._surnames[p.birth], False, True), variant.seed)
            given = other_given(given, variant.seed) if variant.given else given
            head = f"0|{number}|0{number}|||{_CIVILITIES[p.sex]}|{family}|{given}"
            work = p.home_work if p.adeli != land.HIDDEN else NOWHERE
            if variant.moved:
                work = -2 - variant.seed % len(self._structures.institutions) if variant.seed % 3 else NOWHERE
            mode = "|" if work == NOWHERE else _MODES["L" if work >= 0 else "S"]
            place = "|".join(self._old_structure(work, number))
            lines.adeli.append(f"{head}|{self._profession(p)}|C|Civil|{_NO_EXPERTISE}|{mode}|{place}|ARS/ARS")
        if p.adeli in land.IN_LINK_TABLE and not variant.unlinked:
            lines.links.append(f"{number};{p.rpps}")
            if older and p.id % 2:
                lines.links.append(f"{older};{p.rpps}")

    def _variant(self, p: Person) -> Variant:
        return variant_of(p.id, self._country.seed, self._variants)

    def _old_structure(self, work: int, number: str) -> tuple[str, ...]:
        """No commune but ``25300 DOUBS`` as bureau cedex (formats.md §1); ADELI-rang as the id of a practice."""
        f = list(self._structures.at(work).fields)
        if work >= 0:
            f[4] = f"C{number}01"
        if f[17]:
            f[15], f[17], f[18] = f"{f[16]} {f[18]}", "", ""
        return tuple(f)

    def _write_cat18(self, p: Person, addresses: tuple[str, str], lines: list[str]) -> None:
        number = (self._older[p.row] if p.id % 2 and p.adeli != land.SHARED_MAILBOX else "") or self._adeli[p.row]
        ident = f"0|{number}|0{number}" if number else f"8|{p.rpps}|8{p.rpps}"
        family, given = self._old_names(p, 0 if p.adeli == land.SHARED_MAILBOX else 10)
        f = self._structures.at(p.home_work).fields
        known = self._expertise.columns[p.expertise[0]].split("|") if p.expertise[0] >= 0 else [""] * 4
        place = (*f[:4], f[5], f[6], f[4], *f[7:25])
        text = f"{ident}|{_TITLES[p.title]}|{family}|{given}|{self._profession(p)}|C|Civil"
        address = addresses[0] if p.box_opened_first[0] else ""
        values = (*text.split("|"), known[2], known[3], known[0], known[1], *place, address)
        lines.append(";".join([f'"{v}"' for v in (w.replace('"', '""') for w in values)]))

    # --- truth ------------------------------------------------------------------------------------------------

    def _truth(self, p: Person, family: str, given: str, addresses: tuple[str, str]) -> str:
        """See ``write.TRUTH_HEADER``."""
        registered = p.registry == land.REGISTERED
        adelis = [a for a in (self._adeli[p.row], self._older[p.row]) if a]
        national = ([f"8{p.rpps}"] if registered else []) + [f"0{a}" for a in adelis]
        opened = [a for a, o in zip(addresses, p.box_open, strict=True) if o]
        closed = [a for a, o in zip(addresses, p.box_open, strict=True) if a and not o]
        birth = spelt(self._surnames[p.birth], True, True)
        status = ("active" if p.present else "vanished") if registered else _STATUS[p.registry]
        faces = (registered and p.present, p.adeli in land.IN_ADELI_FILE, p.cat18, opened)
        return ";".join((
            f"P{p.id:08d}", str(p.rpps) if registered else "", ",".join(adelis), ",".join(national), family, given,
            birth, _CIVILITIES[p.sex].partition("|")[0], PROFESSIONS[p.profession].code, status,
            ",".join(name for name, here in zip(_FACES, faces, strict=True) if here), self._tie(p),
            ",".join(opened), ",".join(closed), str(p.arrived),
        ))  # fmt: skip

    def _tie(self, p: Person) -> str:
        lost = p.adeli in land.IN_LINK_TABLE and self._variant(p).unlinked
        return "missing" if lost else _LINKS[p.adeli]


_NO_PLACE = "|" * 29  # mode (2) and structure (28)
_NO_SITE = "|" * 13
_NO_DUTIES = "|" * 7
_NO_HOLDER = "|" * 9
_UNIVERSITY = "DU|Diplôme universitaire|DU99|Autre diplôme universitaire"
_AUTHORIZED = "AE|Autorisation d'exercice|AE01|Autorisation ministérielle d'exercice"
_PAPERLESS = ("O", "N", "N", "O", "", "N", "N")
_STATUS = {land.ADELI_ONLY: "adeli-only", land.MAILBOX_ONLY: "mailbox-only"}
_FACES = ("rpps", "adeli", "cat18", "mssante")
_LINKS = ("", "table", "same-structure", "shared-mailbox", "adeli-only", "table", "hidden")


def _mailbox_columns(place: Structure, service: str, tail: str, typed: bool) -> str:
    """From the structure's id to the end.  ``typed``: the id repeats its type digit, as some copies do."""
    f = place.fields
    if place is NO_STRUCTURE:
        return f"||{service}|{tail}{_NO_SITE}"
    number = place.number_type + place.number if typed else place.number
    street = f"{f[9]}|{f[10]}|{f[12]}|{f[13]}|{f[14]}"
    line6 = f[15] or f"{f[16]} {f[18]}"
    names = f"{f[5]}|{f[6]}|{f[7]}|{f[8]}"
    return f"{place.number_type}|{number}|{service}|{tail}|{names}|{street}|{line6}|{f[16]}|{f[25]}|{f[20]}"
