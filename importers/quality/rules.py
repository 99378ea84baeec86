"""The table of the rules that an extract is held to: what each looks for, how grave it is, what happens.  PURE.

A rule's code is stable: it stands in the registry, in ``--json`` and in CSV files.  Of the effects, ``REJECT`` sets the
row aside, ``REPAIR`` corrects what is read and keeps what was written beside it, ``WARN`` only tells.
The checks themselves are beside (``codes``, ``places``) and in the parser of each source.  Registry values are never
altered (RG_EXP_031): no rule repairs a name, a profession or a savoir-faire, but for control characters, which are
part of none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    ERROR = "erreur"  # the value is false
    WARNING = "avertissement"  # two values contradict one another, or one is missing where it should not be
    NOTICE = "information"  # worth knowing, often right


class Effect(StrEnum):
    REJECT = "rejet"
    REPAIR = "réparation"
    WARN = "signalement"


@dataclass(frozen=True, slots=True)
class Rule:
    """``about``: what the rule looks at (line, person, structure, mailbox, link); ``source``: the official document."""

    code: str
    text: str  # French, for staff
    about: str
    severity: Severity
    effect: Effect
    source: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTICE
_REJECT, _REPAIR, _WARN = Effect.REJECT, Effect.REPAIR, Effect.WARN

_EXTRACTS = "ANS, extractions en libre accès de l'Annuaire Santé : structure des fichiers"
_EXCHANGE = "ANS, exigences RG_EXP (Annuaire Santé) et TRE_G08-TypeIdentifiantPersonne"
_LUHN = "ISO/IEC 7812-1, annexe B ; ANS, TRE_G08-TypeIdentifiantPersonne"
_ADELI = "DREES, répertoire ADELI : structure du numéro"
_FINESS = "DREES, répertoire FINESS : clé du numéro ; ANS, TRE_G07-TypeIdentifiantStructure"
_SIRENE = "INSEE, répertoire SIRENE : clé des numéros SIREN et SIRET (La Poste comprise)"
_NOS = "ANS, nomenclatures des objets de santé (NOS)"
_COG = "INSEE, code officiel géographique ; La Poste, base officielle des codes postaux"
_BOXES = "ANS, extraction de correspondance MSSanté ; TRE_R257-TypeBAL"
_SMTP = "RFC 5321 §4.1.2"
_WHITE_LIST = "ANS, liste blanche de l'espace de confiance MSSanté"
_LINKS = "ANS, table de correspondance ADELI-RPPS"

_RULES = (
    # Lines
    Rule("columns", "nombre de colonnes inattendu", "ligne", _E, _REJECT, _EXTRACTS),
    Rule("characters", "caractère nul", "ligne", _E, _REJECT, _EXTRACTS),
    Rule("too_long", "valeur de plus de 1 000 octets", "ligne", _E, _REJECT, _EXTRACTS),
    Rule("control_characters", "caractère de contrôle : remplacé par un espace", "ligne", _W, _REPAIR, _EXTRACTS),
    Rule("characters_1252", "lettre ou guillemet de Windows-1252 mal converti (Œ, œ, ’) : rétabli", "ligne", _W,
         _REPAIR, _EXTRACTS),
    Rule("column_unknown", "colonne inconnue : laissée de côté", "ligne", _N, _WARN, _EXTRACTS),
    Rule("line_repeated", "ligne répétée à l'identique : comptée une fois", "ligne", _W, _REPAIR, _EXTRACTS),
    # People
    Rule("id_type", "type d'identifiant inattendu (8 ou 0)", "personne", _E, _REJECT, _EXCHANGE),
    Rule("id_mismatch", "l'identification nationale ne correspond pas au type et à l'identifiant", "personne", _E,
         _REJECT, _EXCHANGE),
    Rule("rpps_key", "numéro RPPS faux (11 chiffres et clé)", "personne", _E, _REJECT, _LUHN),
    Rule("adeli_form", "numéro ADELI faux (9 caractères)", "personne", _E, _REJECT, _ADELI),
    Rule("adeli_key", "clé du numéro ADELI fausse", "personne", _W, _WARN, _ADELI),
    Rule("adeli_digits", "département ou profession impossible dans le numéro ADELI", "personne", _W, _WARN, _ADELI),
    Rule("name", "nom d'exercice absent", "personne", _E, _REJECT, _EXTRACTS),
    Rule("given_names", "prénom d'exercice absent", "personne", _N, _WARN, _EXTRACTS),
    Rule("code_unknown", "code absent de sa nomenclature", "personne", _W, _WARN, _NOS),
    Rule("code_missing", "libellé sans code", "personne", _W, _WARN, _NOS),
    Rule("label_mismatch", "libellé qui n'est pas celui du code", "personne", _W, _WARN, _NOS),
    Rule("profession_category", "profession incompatible avec la catégorie (étudiants : TRE_G16)", "personne", _W,
         _WARN, _NOS),
    Rule("expertise_type", "type de savoir-faire qui n'est pas celui du savoir-faire", "personne", _W, _WARN, _NOS),
    Rule("section_profession", "section du tableau des pharmaciens sans la profession de pharmacien", "personne", _W,
         _WARN, _NOS),
    Rule("activity_without_structure", "activité salariée sans structure", "personne", _N, _WARN, _EXTRACTS),
    # Structures
    Rule("siret_key", "numéro SIRET faux (14 chiffres et clé)", "structure", _W, _WARN, _SIRENE),
    Rule("siren_key", "numéro SIREN faux (9 chiffres et clé)", "structure", _W, _WARN, _SIRENE),
    Rule("siren_siret", "le SIREN n'est pas le début du SIRET", "structure", _W, _WARN, _SIRENE),
    Rule("finess_key", "numéro FINESS faux (9 caractères et clé)", "structure", _W, _WARN, _FINESS),
    Rule("structure_id", "identifiant technique de forme inconnue (R, C ou F et un numéro juste)", "structure", _W,
         _WARN, _EXTRACTS),
    Rule("structure_without_id", "structure sans identifiant technique : un identifiant est déduit", "structure", _N,
         _REPAIR, _EXTRACTS),
    Rule("structure_unnamed", "structure sans nom ni adresse", "structure", _W, _WARN, _EXTRACTS),
    Rule("structure_unknown", "structure qu'aucune extraction d'activités ne connaît", "structure", _N, _WARN, _BOXES),
    Rule("structure_spelling", "premier zéro perdu au numéro de la structure d'une boîte : rétabli", "structure", _W,
         _REPAIR, _BOXES),
    Rule("postcode_form", "code postal français attendu (5 chiffres)", "structure", _W, _WARN, _COG),
    Rule("postcode_unknown", "code postal inconnu, hors CEDEX", "structure", _N, _WARN, _COG),
    Rule("city_code_unknown", "code commune inconnu", "structure", _N, _WARN, _COG),
    Rule("postcode_city", "code postal d'une autre commune", "structure", _W, _WARN, _COG),
    Rule("department_city", "département d'une autre commune", "structure", _W, _WARN, _COG),
    Rule("street_number", "numéro de voie illisible", "structure", _N, _WARN, _EXTRACTS),
    # Mailboxes
    Rule("address", "adresse de messagerie mal formée", "boîte", _E, _REJECT, _SMTP),
    Rule("address_dropped", "adresse mal formée ou de patient : laissée de côté, la personne reste", "boîte", _W,
         _REPAIR, _SMTP),
    Rule("address_spelling", "adresse écrite avec majuscules ou espaces : mise en minuscules", "boîte", _N, _REPAIR,
         _SMTP),
    Rule("address_patient", "adresse de patient : jamais dans l'annuaire", "boîte", _E, _REJECT, _WHITE_LIST),
    Rule("address_shared", "boîte personnelle de plusieurs personnes", "boîte", _W, _WARN, _BOXES),
    Rule("address_twice", "adresse de deux boîtes de la même extraction : la première vaut", "boîte", _W, _REPAIR,
         _BOXES),
    Rule("type", "type de BAL inconnu (PER, ORG, APP ou CAB attendu)", "boîte", _E, _REJECT, _BOXES),
    Rule("type_conflict", "adresse de plusieurs types de BAL : le premier vaut", "boîte", _W, _REPAIR, _BOXES),
    Rule("person_on_organization", "personne sur une boîte d'organisation : laissée de côté", "boîte", _W, _REPAIR,
         _BOXES),
    Rule("box_without_structure", "boîte d'organisation sans structure", "boîte", _W, _WARN, _BOXES),
    Rule("holder_id", "identifiant du titulaire faux", "boîte", _W, _WARN, _EXCHANGE),
    Rule("holder_unknown", "titulaire inconnu du registre", "boîte", _N, _WARN, _BOXES),
    Rule("paperless", "dématérialisation illisible (O ou N attendu) : inconnue", "boîte", _N, _WARN, _BOXES),
    Rule("domain_untrusted", "domaine d'aucun opérateur de l'espace de confiance", "boîte", _W, _WARN, _WHITE_LIST),
    # Links
    Rule("link_conflict", "lien ADELI-RPPS contredit par le registre : laissé de côté", "lien", _W, _WARN, _LINKS),
    Rule("link_refused", "lien ADELI-RPPS refusé par l'équipe : laissé de côté", "lien", _N, _WARN, _LINKS),
    Rule("link_spelling", "numéro d'un lien remis en forme (zéro perdu, type, espaces)", "lien", _N, _REPAIR, _LINKS),
)  # fmt: skip

RULES: Mapping[str, Rule] = MappingProxyType({rule.code: rule for rule in _RULES})
assert len(RULES) == len(_RULES), "a code stands for one rule"


def text(code: str) -> str:
    """What staff read; the code itself for one that a source of others brings."""
    return RULES[code].text if code in RULES else code


def effect(code: str) -> str:
    return RULES[code].effect.value if code in RULES else ""


def severity(code: str) -> str:
    return RULES[code].severity.value if code in RULES else ""
