"""What an operator publishes of one mailbox: the body of contract.md §3, checked, and its changes.  PURE.

A body is read whole or refused, with the field that is wrong; no error repeats a value.  Whether the holder exists and
who may publish is the registry's affair (``registry.publishing``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from directory_service.errors import InvalidInput
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.mailboxes import Contact, MailboxType, is_address, is_patient, lowered

SOURCE: Final = "publication"  # of mailboxes and bindings, where extracts have the name of theirs

# What a mailbox is meant for, and what the word means to a person.  Ours: no national table of it is known.
PURPOSES: Final = MappingProxyType(
    {
        "administrative": "secrétariat, facturation, dossiers administratifs",
        "appointment": "demandes et avis de rendez-vous",
        "discharge": "lettres de liaison, comptes rendus d'hospitalisation",
        "imaging": "comptes rendus et images",
        "laboratory": "résultats d'analyses",
        "prescription": "ordonnances",
        "report": "comptes rendus de consultation et courriers entre professionnels",
        "telemedicine": "téléexpertise, télésurveillance",
        "urgent": "ce qui ne peut attendre : la boîte est relevée tous les jours",
    }
)
MOST_CONTACTS: Final = 10
HIGHEST_RANK: Final = 99
DEEPEST: Final = 8  # objects within objects of a patch: twice what a body has
LONGEST: Final = MappingProxyType(
    {"service": 200, "description": 500, "responsible": 200, "person": 100, "structure": 60, "value": 254}
)  # characters
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9.-]{0,30}[a-z0-9]", re.ASCII)


Said = tuple[object, ...]


class InvalidField(InvalidInput):
    """A field of a published mailbox is not as it must be; ``where`` names it."""

    http_status: ClassVar[int] = 422
    slug: ClassVar[str] = "invalid-field"


class Needs(NamedTuple):
    """What a type demands of its holder, and whether it names a responsible person (formats.md §4)."""

    person: bool
    structure: bool | None  # None: may be given
    responsible: bool


NEEDS: Final = MappingProxyType(
    {
        MailboxType.PERSONAL: Needs(person=True, structure=None, responsible=False),
        MailboxType.OFFICE: Needs(person=True, structure=False, responsible=True),
        MailboxType.ORGANIZATIONAL: Needs(person=False, structure=True, responsible=True),
        MailboxType.APPLICATION: Needs(person=False, structure=True, responsible=True),
    }
)


@dataclass(frozen=True, slots=True)
class Publication:
    """One mailbox as its operator says it.  ``person`` and ``structure`` are identifiers as written, empty where there
    is none; ``paperless`` is None where nothing is said."""

    type: MailboxType
    person: str
    structure: str
    service: str = ""
    description: str = ""
    responsible: str = ""
    paperless: bool | None = None
    unlisted: bool = False
    preferred: bool = False
    rank: int | None = None
    purposes: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The body that says the same; what is unknown is left out."""
        holder = {"person": self.person, "structure": self.structure}
        texts = {"service": self.service, "description": self.description, "responsible": self.responsible}
        said: dict[str, Any] = {"type": self.type.value, "holder": {k: v for k, v in holder.items() if v}}
        said |= {name: text for name, text in texts.items() if text}
        said |= {} if self.paperless is None else {"paperless": self.paperless}
        said |= {"unlisted": self.unlisted, "preferred": self.preferred}
        said |= {} if self.rank is None else {"rank": self.rank}
        contacts = [{"system": c.system, "value": c.value} for c in self.contacts]
        return said | {"purposes": list(self.purposes), "contacts": contacts}


# A Dot-string of RFC 5321 4.1.2 in lower case: what extracts hold besides is read, but not published anew.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)


def parse_address(text: str, patients: str = PATIENT_DOMAIN) -> str:
    """An address that may be published, in lower case; none of the domain of ``patients`` may.  Raises InvalidField."""
    address = lowered(text.strip())
    if not is_address(address) or not _LOCAL.fullmatch(address.rpartition("@")[0]):
        raise invalid("address", "une adresse est attendue")
    if is_patient(address, patients):
        raise invalid("address", "les adresses des patients ne se publient pas : elles se reconnaissent à leur forme")
    return address


def parse_publication(body: object) -> Publication:
    """Raises InvalidField, which names the first field that is wrong."""
    fields = _object(body, "", _FIELDS)
    holder = _object(fields.pop("holder", None), "holder", ("person", "structure"))
    read: dict[str, Any] = {name: _READ[name](name, value) for name, value in fields.items() if value is not None}
    if "type" not in read:
        raise invalid("type", f"un de ces types est attendu : {', '.join(MailboxType)}")
    read.setdefault("preferred", read.get("rank") == 1)  # rank 1 is the preferred box (draft write API of 2026)
    person, structure = (_text(f"holder.{name}", holder.get(name)) for name in ("person", "structure"))
    found = Publication(person=person, structure=structure, **read)
    _check_holder(found)
    return found


def merge_patch(target: object, patch: object, deep: int = DEEPEST) -> object:
    """RFC 7396: what is null goes, objects are merged, all else replaces.  Raises InvalidField past ``deep`` objects
    within one another, which no body has."""
    if not isinstance(patch, Mapping):
        return patch
    if not deep:
        raise invalid("", "trop d'objets les uns dans les autres")
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value, deep - 1)
    return merged


def version_of(
    kind: str, is_open: bool, unlisted: bool, purposes: Sequence[str], contacts: Sequence[Contact], held: Sequence[Said]
) -> str:
    """The tag of a state of one mailbox, whoever wrote it: the same for the registry and for readers of the index.
    ``held``: of each open binding, the key of the person, that of the structure, then service, description,
    responsible, paperless, preferred, rank."""
    state = (kind, is_open, unlisted, (*purposes,), (*contacts,), sorted(held, key=repr))
    return blake2b(repr(state).encode(), digest_size=9).hexdigest()


def invalid(field: str, why: str) -> InvalidField:
    return InvalidField(why, where=f"champ {field}" if field else "corps")


def _check_holder(found: Publication) -> None:
    needs = NEEDS[found.type]
    if needs.person != bool(found.person):
        raise invalid("holder.person", f"{'obligatoire' if needs.person else 'interdit'} pour le type {found.type}")
    if needs.structure is not None and needs.structure != bool(found.structure):
        why = "obligatoire" if needs.structure else "interdit"
        raise invalid("holder.structure", f"{why} pour le type {found.type}")
    if found.responsible and not needs.responsible:
        raise invalid("responsible", f"interdit pour le type {found.type} : la personne est le titulaire")


def _object(value: object, field: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise invalid(field, "un objet JSON est attendu")
    if not value.keys() <= set(known):
        raise invalid(field, f"champ inconnu ; les champs sont : {', '.join(known)}")
    return dict(value)


def _text(field: str, value: object) -> str:
    """Without its outer spaces; the limit is that of the last part of the field's name."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(field, "un texte est attendu")
    text, longest = value.strip(), LONGEST[field.rpartition(".")[2]]
    if len(text) > longest:
        raise invalid(field, f"au plus {longest} caractères")
    if not text.isprintable() and any(map(_is_control, text)):
        raise invalid(field, "caractère de contrôle")
    return text


# They turn the order of the letters round, of what is shown after the text too: that of other mailboxes in a list.
_TURNING: Final = frozenset("LRE RLE LRO RLO PDF LRI RLI FSI PDI".split())  # noqa: SIM905


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or unicodedata.bidirectional(character) in _TURNING


def _type(field: str, value: object) -> MailboxType:
    try:
        return MailboxType(value.strip().upper() if isinstance(value, str) else "")
    except ValueError:
        raise invalid(field, f"un de ces types est attendu : {', '.join(MailboxType)}") from None


def _flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid(field, "true ou false est attendu")
    return value


def _rank(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= HIGHEST_RANK:
        raise invalid(field, f"un nombre entier de 1 à {HIGHEST_RANK} est attendu")
    return value


def _purposes(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word in PURPOSES for word in value):
        raise invalid(field, f"une liste de ces mots est attendue : {', '.join(PURPOSES)}")
    return tuple(sorted(set(value)))


def _contacts(field: str, value: object) -> tuple[Contact, ...]:
    if not isinstance(value, list) or len(value) > MOST_CONTACTS:
        raise invalid(field, f"une liste de {MOST_CONTACTS} éléments au plus est attendue")
    return tuple(dict.fromkeys(_contact(field, one) for one in value))


def _contact(field: str, value: object) -> Contact:
    given = _object(value, field, ("system", "value"))
    system, text = given.get("system"), _text(f"{field}.value", given.get("value"))
    if not isinstance(system, str) or not _SYSTEM.fullmatch(system):
        raise invalid(f"{field}.system", "2 à 32 minuscules, chiffres, points ou tirets, une lettre d'abord")
    if not text:
        raise invalid(f"{field}.value", "un texte est attendu")
    return Contact(system, text)


_READ: Final[Mapping[str, Callable[[str, object], Any]]] = MappingProxyType(
    {
        "type": _type,
        "service": _text,
        "description": _text,
        "responsible": _text,
        "paperless": _flag,
        "unlisted": _flag,
        "preferred": _flag,
        "rank": _rank,
        "purposes": _purposes,
        "contacts": _contacts,
    }
)
_FIELDS: Final = ("type", "holder", *list(_READ)[1:])
