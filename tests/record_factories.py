"""Builder functions for model values: synthetic people, structures and boxes with sensible defaults.

Every argument has a default, so a test names only what it is about.  Nothing here touches a registry or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from directory_service.model.mailboxes import Binding, MailboxType
from directory_service.model.people import (
    Address,
    Coded,
    Expertise,
    Identifier,
    Organization,
    Practitioner,
    PractitionerRole,
    SourceMark,
    Status,
)

SUFFIX = "o=annuaire-sante,c=fr"
EPOCH = datetime(2026, 11, 2, 3, 45, tzinfo=UTC)
NONE = Coded("", "")

PHYSICIAN = Coded("10", "Médecin")
NURSE = Coded("60", "Infirmier")
CIVILIAN = Coded("C", "Civil")
DOCTOR = Coded("DR", "Docteur")
CARDIOLOGY = Coded("SM04", "Cardiologie et maladies vasculaires")
ORDINAL = Coded("S", "Spécialité ordinale")
SALARIED = Coded("S", "Salarié")
PUBLIC_HOSPITAL = Coded("SA01", "Etablissement public de santé")


def luhn(body: str) -> str:
    """``body`` with its Luhn key appended."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def rpps(serial: int) -> str:
    """An RPPS number of the right form and key, in the 109… range of tests."""
    return luhn(f"109{serial:07d}")


def make_address(
    *,
    number: str = "12",
    street_type: str = "Rue",
    street_name: str = "DES LILAS",
    postcode: str = "69003",
    city: str = "LYON",
    city_code: str = "69383",
    department: tuple[str, str] = ("69", "Rhône"),
    **others: str,
) -> Address:
    return Address(
        number=number,
        street_type=street_type,
        street_name=street_name,
        postcode=postcode,
        city=city,
        city_code=city_code,
        department_code=department[0],
        department=department[1],
        **others,
    )


def make_organization(
    pk: int = 1,
    *,
    name: str = "CENTRE HOSPITALIER D'ESSAI",
    trade_name: str = "",
    finess: str = "690000005",
    siret: str = "26690000000017",
    national_id: str | None = None,
    technical_id: str | None = None,
    address: Address | None = None,
    phone: str = "0472000000",
    fax: str = "",
    email: str = "",
    status: Status = Status.ACTIVE,
) -> Organization:
    return Organization(
        pk=pk,
        national_id=national_id or (f"1{finess}" if finess else f"R{pk:014d}"),
        technical_id=technical_id or (f"F{finess}" if finess else f"R{pk:014d}"),
        name=name,
        trade_name=trade_name,
        finess=finess,
        finess_legal="",
        siret=siret,
        siren=siret[:9],
        former_id="",
        address=address or make_address(),
        phone=phone,
        phone2="",
        fax=fax,
        email=email,
        sector=PUBLIC_HOSPITAL,
        status=status,
        changed_at=EPOCH,
    )


def make_role(
    organization: Organization | None = None, *, profession: Coded = PHYSICIAN, mode: Coded = SALARIED
) -> PractitionerRole:
    return PractitionerRole(
        profession=profession,
        category=CIVILIAN,
        mode=mode,
        sector=organization.sector if organization else NONE,
        section=NONE,
        role=NONE,
        kind=NONE,
        authority="CNOM",
        organization=organization,
    )


def make_practitioner(
    pk: int = 1,
    *,
    family_name: str = "D'ESSAI",
    given_names: str = "ZOÉ",
    number: str | None = None,
    adelis: Sequence[str] = (),
    status: Status = Status.ACTIVE,
    title: Coded = DOCTOR,
    profession: Coded = PHYSICIAN,
    expertises: Sequence[Expertise] | None = None,
    roles: Sequence[PractitionerRole] | None = None,
) -> Practitioner:
    """A cardiologist at the synthetic hospital.  ``number`` is her RPPS ("" for none: then the first ADELI rules)."""
    number = rpps(pk) if number is None else number
    held = [Identifier("8", number, True)] if number else []
    held += [Identifier("0", a, not number, "extract" if not number else "link-table") for a in adelis]
    known = [Expertise("10", ORDINAL, CARDIOLOGY)] if expertises is None else expertises
    return Practitioner(
        pk=pk,
        national_id=f"8{number}" if number else f"0{adelis[0]}",
        status=status,
        status_since=EPOCH,
        title=title,
        civility=Coded("MME", "Madame"),
        family_name=family_name,
        given_names=given_names,
        identifiers=tuple(held),
        roles=(make_role(make_organization(), profession=profession),) if roles is None else tuple(roles),
        expertises=tuple(known),
        sources=(SourceMark("rpps.activity", 1, EPOCH),),
        profession=profession,
        category=CIVILIAN,
        created_at=EPOCH,
        changed_at=EPOCH,
    )


def make_binding(
    pk: int = 1,
    address: str = "zoe.d-essai@medecin.mssante.fr",
    *,
    type: MailboxType = MailboxType.PERSONAL,
    practitioner: Practitioner | None = None,
    organization: Organization | None = None,
    profession: Coded = NONE,
    specialty: Coded = NONE,
    service: str = "",
    description: str = "",
    paperless: bool | None = True,
    unlisted: bool = False,
    preferred: bool = False,
    since: datetime = EPOCH,
    until: datetime | None = None,
    family_name: str = "",
    given_names: str = "",
    national_id: str = "",
    operator: str = "",
) -> Binding:
    return Binding(
        pk=pk,
        address=address,
        type=type,
        practitioner=practitioner,
        organization=organization,
        profession=profession,
        specialty=specialty,
        service=service,
        description=description,
        responsible="",
        paperless=paperless,
        unlisted=unlisted,
        preferred=preferred,
        since=since,
        until=until,
        source="mssante.mailboxes",
        operator=operator,
        family_name=family_name,
        given_names=given_names,
        national_id=national_id,
        changed_at=EPOCH,
    )
