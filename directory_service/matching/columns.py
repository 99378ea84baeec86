"""What a column of somebody's list holds, by its heading.  PURE.

Address books of hospitals and of mail clients (Outlook, Thunderbird, Google) name the same things in twenty ways; what
is not known is left aside, never guessed from the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from directory_service.matching.description import FIELDS
from directory_service.model.names import fold_any

_HEADINGS: Final = {
    "family": "nom|nom de famille|nom d usage|nom d exercice|nom usuel|nom patronymique|patronyme|nom patronyme|"
    "last name|lastname|surname|family name|sn",
    "given": "prenom|prenoms|prenom s|prenom d exercice|first name|firstname|given name|givenname",
    "name": "nom complet|nom et prenom|nom prenom|prenom nom|prenom et nom|nom affiche|nom a afficher|nom d affichage|"
    "identite|praticien|medecin|professionnel|contact|correspondant|name|full name|display name|displayname|cn|"
    "destinataire",
    "profession": "profession|metier|fonction|titre|libelle profession|job title|title|organization title|"
    "organization 1 title",
    "specialty": "specialite|specialites|savoir faire|libelle savoir faire|discipline|specialty",
    "town": "ville|commune|localite|libelle commune|city|town|ville professionnelle|ville bureau|business city|"
    "work city|address 1 city|l",
    "postcode": "code postal|cp|postal code|zip|zip code|business postal code|code postal coord structure|"
    "code postal professionnel|code postal bureau|work zipcode|address 1 postal code",
    "department": "departement|dept|dpt|dep|code departement|department code",
    "structure": "structure|etablissement|raison sociale|organisation|organization|societe|hopital|cabinet|company|"
    "enseigne|raison sociale site|employeur|organization name|organization 1 name|org",
    "identifier": "rpps|n rpps|no rpps|numero rpps|identifiant rpps|adeli|n adeli|numero adeli|identifiant pp|"
    "identifiant|identifiant ps|idnat ps|id nat ps|identification nationale pp|numero professionnel",
    "structure_id": "finess|n finess|numero finess|finess site|numero finess site|siret|n siret|numero siret|siren|"
    "identifiant structure|idnat struct",
    "address": "adresse mssante|mssante|adresse mss|mss|bal|bal mss|bal mssante|boite aux lettres|adresse bal|email|"
    "e mail|mail|courriel|adresse mail|adresse email|adresse e mail|adresse electronique|adresse de messagerie|"
    "messagerie|messagerie securisee|adresse de messagerie securisee|email address|e mail address|"
    "adresse courriel|e mail value",
    "phone": "telephone|tel|numero de telephone|tel pro|tel professionnel|telephone professionnel|telephone bureau|"
    "phone|business phone|work phone|phone 1 value|fixe",
}
# Of several addresses, which one it is: *E-mail 2*, *Mail pro*, *Secondary Email*.
_WHICH: Final = frozenset(
    ("1", "2", "3", "4", "bis", "pro", "professionnel", "professionnelle", "perso", "personnel", "personnelle",
     "principal", "principale", "secondaire", "primary", "secondary")
)  # fmt: skip
SEVERAL: Final = frozenset(("address", "text"))  # fields that several columns may hold
_USUAL: Final = frozenset(("nom d usage", "nom d exercice", "nom usuel"))  # of two surnames, the registry's
_FIELD_OF: Final = MappingProxyType(
    {heading: field for field, headings in _HEADINGS.items() for heading in headings.split("|")}
)


def field_of(heading: str) -> str | None:
    """The field of a description that a column of this heading holds; None where nobody can tell."""
    folded = fold_any(heading)
    return _FIELD_OF.get(folded) or (heading if heading in FIELDS else _address_of_several(folded))


def _address_of_several(folded: str) -> str | None:
    field = _FIELD_OF.get(" ".join(word for word in folded.split() if word not in _WHICH))
    return field if field == "address" else None


def fields_of(headings: Sequence[str]) -> Mapping[int, str]:
    """The field of each column that has one; of two columns of one field, the first counts, but for addresses, which
    are all looked at, and for the name that people practise under."""
    found: dict[str, list[int]] = {}
    for at, heading in enumerate(headings):
        field = field_of(heading)
        if field and (field in SEVERAL or field not in found):
            found.setdefault(field, []).append(at)
        elif field and _is_usual(heading) and not _is_usual(headings[found[field][0]]):
            found[field] = [at]
    return dict(sorted((at, field) for field, places in found.items() for at in places))


def _is_usual(heading: str) -> bool:
    return fold_any(heading) in _USUAL
