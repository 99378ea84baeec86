"""Mailboxes (*BAL*, boîtes aux lettres MSSanté) and who holds them.  PURE values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.people import Coded, Organization, Practitioner
from directory_service.model.trust import LISTED, MANUAL, DomainStretch, Span, trusted_spans


class MailboxType(StrEnum):
    """TRE_R257."""

    PERSONAL = "PER"
    ORGANIZATIONAL = "ORG"
    APPLICATION = "APP"
    OFFICE = "CAB"


class Actor(NamedTuple):
    """Who bound an address or ended that: a run, or the operator whose publication it was.  An import is told by
    its run alone, never by who launched it."""

    run: int | None
    operator: str = ""


# Not RFC 5321's full grammar: one @, no space, no control character, a domain of at least two labels.
_ADDRESS = re.compile(r"[^\s@\x00-\x1f<>\"(),:;\\\[\]]+@[^\W_][\w-]*(?:\.[\w-]+)+", re.ASCII)


def is_address(text: str) -> bool:
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def lowered(address: str) -> str:
    """In lower case.  The one sign that would become a letter of ASCII, that of Kelvin, stays: it is no k."""
    return "\N{KELVIN SIGN}".join(part.lower() for part in address.split("\N{KELVIN SIGN}"))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def is_patient(address: str, domain: str = PATIENT_DOMAIN) -> bool:
    """Whether an address, in lower case, is of the citizens' ``domain`` (setting ``patient_domain``; "" for none): INS
    number and key, a pattern, never an entry (formats.md §4)."""
    return bool(domain) and domain_of(address) == domain.lower()


class Contact(NamedTuple):
    """Another way to the holder of a mailbox: ``system`` names the secure network or instant messaging service."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Binding:
    """One address bound to one holder over a stretch of time.

    The holder is ``practitioner`` when it is a person, else ``organization``; a personal mailbox may name the
    ``organization`` it is used in.  ``until`` is None while the binding is open.  ``family_name``,
    ``given_names`` and ``national_id`` keep what the source said of a holder whom no registry knows.
    """

    pk: int
    address: str  # lower case
    type: MailboxType
    practitioner: Practitioner | None
    organization: Organization | None
    profession: Coded
    specialty: Coded
    service: str  # service de rattachement
    description: str
    responsible: str
    paperless: bool | None  # dématérialisation; None: the source does not say
    unlisted: bool  # liste rouge
    preferred: bool
    since: datetime
    until: datetime | None
    source: str
    operator: str = ""
    family_name: str = ""  # as written by the source, when the person is in no registry
    given_names: str = ""
    national_id: str = ""  # as written
    changed_at: datetime | None = None
    opened_by: Actor | None = None  # None: no run did, or one of before that was kept
    closed_by: Actor | None = None
    rank: int | None = None  # among the boxes of the holder, as the operator says; 1 first
    purposes: tuple[str, ...] = ()  # model.publication.PURPOSES
    contacts: tuple[Contact, ...] = ()

    @property
    def domain(self) -> str:
        return domain_of(self.address)

    @property
    def holder_id(self) -> str:
        """National id of the holder; TRE_G08 type 10 (the address itself) for a holder in no registry."""
        if self.practitioner is not None:
            return self.practitioner.national_id
        if self.type is not MailboxType.PERSONAL and self.organization is not None:
            return self.organization.national_id
        return "10" + self.address


class CertificateRule(NamedTuple):
    """Which client certificates speak for an operator, by one property: ``method`` is ``pin`` (SHA-256 of the public
    key, hexadecimal, whoever issued it), ``subject`` (RFC 4514 text) or ``san`` (``dns:``, ``email:`` or ``uri:`` and
    the name).  ``issuer`` (RFC 4514 text) is empty for pins only."""

    method: str
    issuer: str
    value: str


# What an operator may do besides reading as one, and what that is called to staff.
RIGHTS: Final = MappingProxyType(
    {
        "publish": "Publier les boîtes de ses domaines.",
        "unlisted": "Vérifier les boîtes en liste rouge des autres opérateurs.",
    }
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Messaging operator of the trusted space (*opérateur MSSanté*)."""

    pk: int
    name: str
    status: str  # active, suspended, withdrawn
    secret_hash: str
    domains: tuple[str, ...]  # held today, each once
    certificates: tuple[CertificateRule, ...] = ()
    rights: tuple[str, ...] = ("publish",)  # words of RIGHTS
    since: str = ""  # of the status
    label: str = ""  # the organization
    identity: str = ""  # its number, idNat_Struct
    source: str = MANUAL  # who made it
    responsible: str = ""
    support: str = ""
    subjects: tuple[str, ...] = ()  # certificate names by which a white list means it, the first one known first
    stretches: tuple[DomainStretch, ...] = ()  # every one, by domain and date
    suspensions: tuple[Span, ...] = ()
    former_hash: str = ""  # of the secret before, which opens until ``former_until``; both empty where it does not
    former_until: str = ""

    def trusted(self) -> dict[str, list[Span]]:
        """When each of its domains was in trust."""
        held: dict[str, list[Span]] = {}
        for stretch in self.stretches:
            held.setdefault(stretch.name, []).append(Span(stretch.since, stretch.until))
        return {name: trusted_spans(spans, self.suspensions) for name, spans in held.items()}

    def listed(self) -> dict[str, str]:
        """Since when a white list gave it each of the domains that one gave it ever."""
        found: dict[str, str] = {}
        for stretch in self.stretches:
            if stretch.source == LISTED:
                found[stretch.name] = min(found.get(stretch.name, stretch.since), stretch.since)
        return found
