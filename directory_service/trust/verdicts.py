"""What a verification answers (contract.md §4): the verdict, and its reasons as codes with their French text.  PURE.

Codes are for programs and stay; texts are for people and may change.  No text holds an address or a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Outcome(StrEnum):
    VERIFIED = "verified"
    MISMATCH = "mismatch"
    UNKNOWN_ADDRESS = "unknown_address"
    UNKNOWN_PERSON = "unknown_person"
    CLOSED = "closed"
    INACTIVE = "inactive"
    UNTRUSTED_DOMAIN = "untrusted_domain"
    AMBIGUOUS = "ambiguous"


REASONS = MappingProxyType(
    {
        # the address
        "address_open": "La boîte est ouverte à l'instant demandé.",
        "address_closed": "La boîte est fermée depuis le {date}.",
        "address_unknown": "Aucune boîte visible ne porte cette adresse.",
        "not_yet_open": "La boîte n'était pas encore ouverte à cet instant ; elle l'est depuis le {date}.",
        # the domain
        "domain_trusted": "Un opérateur de l'espace de confiance tient le domaine.",
        "domain_untrusted": "Aucun opérateur de l'espace de confiance ne tient le domaine.",
        "no_white_list": "Aucune liste blanche n'a été importée : tout domaine est tenu pour sûr.",
        "no_white_list_then": "Aucune liste blanche n'était connue à cet instant : tout domaine est tenu pour sûr.",
        "domain_left": "Le domaine est sorti de l'espace de confiance le {date}.",
        # the operator that would send
        "operator_holds_domain": "L'opérateur tient le domaine : il peut émettre au nom de ses boîtes.",
        "other_operator": "Le domaine est tenu par d'autres opérateurs.",
        "operator_unknown": "Aucun opérateur en activité de l'espace de confiance ne porte ce nom.",
        # patients
        "patient_rule": "Adresse de patient : forme et clé de son identifiant sont justes ; aucun registre n'a été "
        "consulté.",
        "patient_number": "L'adresse est du domaine des patients, mais son identifiant national de santé est faux.",
        "patient_unnamed": "Les patients n'ont pas de registre ici : un nom ne se vérifie pas.",
        # the holder
        "holder_active": "Le titulaire est en exercice.",
        "holder_inactive": "Le titulaire n'exerce plus depuis le {date}.",
        "holder_unregistered": "Le titulaire n'est dans aucun répertoire : seule la liste des boîtes le nomme.",
        "several_holders": "Plusieurs titulaires partagent cette adresse.",
        # the person asked about
        "identifier_matches": "L'identifiant est celui du titulaire.",
        "former_identifier": "L'identifiant donné est un ancien numéro du titulaire.",
        "identifier_unknown": "Aucune personne ni structure visible ne porte cet identifiant.",
        "identifier_malformed": "Le texte donné n'a la forme d'aucun identifiant connu, ou sa clé est fausse.",
        "name_matches": "Le nom est celui du titulaire.",
        "initials_match": "Le nom est celui du titulaire ; un prénom est réduit à son initiale.",
        "part_of_surname": "Le nom est l'un des deux noms du titulaire ; le prénom le confirme.",
        "surname_only": "Le nom est celui du titulaire ; aucun prénom n'a été donné pour le confirmer.",
        "other_name": "Le nom n'est pas celui du titulaire.",
        "surname_differs": "Le prénom est celui du titulaire, le nom ne l'est pas.",
        "given_name_differs": "Le nom est celui du titulaire, le prénom ne l'est pas.",
        "one_letter_differs": "Une lettre est en trop, manque, ou diffère.",
        "other_holder": "L'adresse est celle d'un autre titulaire.",
        "former_holder": "La personne a été titulaire jusqu'au {date}.",
        "shared_name": "Plusieurs titulaires portent ce nom : donnez un identifiant.",
    }
)


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    text: str


def reason(code: str, instant: str = "") -> Reason:
    """``instant`` is the stored text of the date that the reason speaks of."""
    year, month, day = (instant[:10] or "--").split("-")
    return Reason(code, REASONS[code].format(date=f"{day}/{month}/{year}"))


@dataclass(frozen=True, slots=True)
class Holder:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """The source that says so, and the instant that it said it last; of ``publication``, when the operator last
    changed the mailbox.  "" for a rule, and a source never read."""

    source: str
    seen: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Instants are UTC text, ``YYYY-MM-DDTHH:MM:SSZ``.  ``holder``, ``since``, ``until`` and ``operator`` are empty
    where unknown or not to be told."""

    verdict: Outcome
    address: str
    at: str
    build: str
    reasons: tuple[Reason, ...]
    holder: Holder | None = None
    since: str = ""
    until: str = ""
    operator: str = ""
    freshness: Freshness | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.verdict is Outcome.VERIFIED else 4

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer of contract.md §4; what is empty is left out."""
        holder = {"id": self.holder.id, "label": self.holder.label} if self.holder else None
        told = {"holder": holder, "since": self.since, "until": self.until, "operator": self.operator}
        fresh = self.freshness
        return {
            "verdict": str(self.verdict),
            "address": self.address,
            **{name: value for name, value in told.items() if value},
            "reasons": [{"code": r.code, "text": r.text} for r in self.reasons],
            "at": self.at,
            "build": self.build,
            **({"freshness": {"source": fresh.source, "seen": fresh.seen or None}} if fresh else {}),
        }
