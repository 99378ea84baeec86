"""Practitioners and organizations as the rest of the house sees them.  PURE values, no behaviour beyond derivation.

Codes are kept as the source wrote them, beside the source's own label: registry values are never altered by
consumers (RG_EXP_031); folding is for search only.  Empty text means unknown, as in the extracts.
What a reading makes several of for each person is a tuple, which takes a third of the time to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class Coded(NamedTuple):
    """A code of a nomenclature with the label that the source gave."""

    code: str
    label: str


NO_CODE = Coded("", "")


class Identifier(NamedTuple):
    """One number ever issued to a person.  ``scheme`` is the type digit of TRE_G08 ('8' RPPS, '0' ADELI…);
    ``value`` has no type digit; ``how`` says where the link comes from (extract, link-table, rule:<name>, review)."""

    scheme: str
    value: str
    current: bool
    how: str = "extract"


class Address(NamedTuple):
    """Postal address of a structure, in the columns of the extract (*coordonnées de structure*)."""

    recipient: str = ""  # complément destinataire
    point: str = ""  # complément point géographique
    number: str = ""
    repetition: str = ""  # indice répétition voie (bis, ter)
    street_type: str = ""
    street_name: str = ""
    distribution: str = ""  # mention distribution (BP, lieu-dit)
    cedex: str = ""  # bureau cedex
    postcode: str = ""
    city_code: str = ""  # code commune INSEE
    city: str = ""
    country_code: str = ""
    country: str = ""
    department_code: str = ""
    department: str = ""

    @property
    def street(self) -> str:
        """``12 B RUE DES LILAS``: number, repetition, type and name of the street."""
        return " ".join([p for p in (self.number, self.repetition, self.street_type, self.street_name) if p])

    @property
    def town(self) -> str:
        """The town shown to people: the commune, else the cedex line without its postcode (old ADELI rows)."""
        if self.city:
            return self.city
        head, _, tail = self.cedex.partition(" ")
        return tail if head.isdigit() else self.cedex


@dataclass(frozen=True, slots=True)
class Organization:
    """Organization (*structure*).  ``national_id`` is the idNat_Struct (TRE_G07 digit + number) where one can be
    formed, else the technical id of the extract (``R``, ``C`` or ``F`` + number)."""

    pk: int
    national_id: str
    technical_id: str
    name: str  # raison sociale
    trade_name: str  # enseigne commerciale
    finess: str
    finess_legal: str  # FINESS établissement juridique
    siret: str
    siren: str
    former_id: str  # ancien identifiant de la structure
    address: Address
    phone: str
    phone2: str
    fax: str
    email: str
    sector: Coded
    status: Status = Status.ACTIVE
    changed_at: datetime | None = None
    created_at: datetime | None = None

    @property
    def display_name(self) -> str:
        return self.trade_name or self.name or self.national_id


class PractitionerRole(NamedTuple):
    """One activity of one person (*situation d'exercice*)."""

    profession: Coded
    category: Coded
    mode: Coded
    sector: Coded
    section: Coded  # section du tableau des pharmaciens
    role: Coded
    kind: Coded  # genre d'activité
    authority: str  # autorité d'enregistrement
    organization: Organization | None


class Expertise(NamedTuple):
    """Expertise (*savoir-faire*): an ordinal specialty, a competence, a capacity…"""

    profession_code: str
    type: Coded
    expertise: Coded


class SourceMark(NamedTuple):
    """Which source vouches for a record: source name, number of the run that last changed it, and when."""

    name: str
    run: int
    seen: datetime


@dataclass(frozen=True, slots=True)
class Practitioner:
    """One person, one record (*professionnel*)."""

    pk: int
    national_id: str  # idNat_PS in force: '8'+RPPS when there is one, else '0'+ADELI (RG_EXP_030)
    status: Status
    status_since: datetime | None
    title: Coded  # civilité d'exercice (DR, PR)
    civility: Coded  # civilité (M, MME)
    family_name: str  # nom d'exercice
    given_names: str  # prénom d'exercice
    identifiers: tuple[Identifier, ...]
    roles: tuple[PractitionerRole, ...]
    expertises: tuple[Expertise, ...]
    sources: tuple[SourceMark, ...]
    profession: Coded = NO_CODE  # of the main activity
    category: Coded = NO_CODE
    created_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def rpps(self) -> str:
        """The RPPS number in force, 11 digits, or empty."""
        return next((i.value for i in self.identifiers if i.scheme == "8" and i.current), "")

    @property
    def adelis(self) -> tuple[str, ...]:
        """Every ADELI number ever held, without the type digit, the current ones first."""
        held = [i for i in self.identifiers if i.scheme == "0"]
        return tuple(i.value for i in sorted(held, key=lambda i: (not i.current, i.value)))
