"""How much each way of agreeing says, and how it is said to people.  PURE: a table.

A weight is the natural logarithm of how much more often a line about this very person agrees so than one about somebody
else of the directory who was found for it.  ``bench/matching.py`` counts how often each confidence is right; the page
docs/reference/matching.md says what it found.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Way(StrEnum):
    """How one field of a description and a record compare."""

    EQUAL = "equal"
    FORMER = "former"  # a number or an address that was hers
    MISTYPED_NUMBER = "mistyped_number"
    PART = "part"  # one of two joined names; some words of a structure's name
    INITIALS = "initials"
    SURNAME = "surname_only"
    NICKNAME = "nickname"  # Jacky, Jacques
    SIMILAR = "similar"  # by sound, or a letter or two away
    DEPARTMENT = "same_department"
    WORDS = "words"  # words of the free text found in it
    GIVEN = "given_name_differs"
    DIFFERS = "differs"


class Field(StrEnum):
    IDENTIFIER = "identifier"
    NAME = "name"
    STRUCTURE_NAME = "structure_name"  # of a structure that is meant itself
    PROFESSION = "profession"
    SPECIALTY = "specialty"
    TOWN = "town"
    POSTCODE = "postcode"
    DEPARTMENT = "department"
    STRUCTURE = "structure"
    ADDRESS = "address"
    PHONE = "phone"
    TEXT = "text"  # words that nothing explains
    STATUS = "status"


class Weighed(NamedTuple):
    weight: float
    said: str  # in French, for the page and the reasons


_F, _W = Field, Way
TABLE: Final[dict[tuple[Field, Way], Weighed]] = {
    (_F.IDENTIFIER, _W.EQUAL): Weighed(12, "numéro identique"),
    (_F.IDENTIFIER, _W.FORMER): Weighed(11.5, "ancien numéro de cette personne"),
    (_F.IDENTIFIER, _W.MISTYPED_NUMBER): Weighed(3.5, "numéro à un chiffre près"),
    (_F.IDENTIFIER, _W.DIFFERS): Weighed(-6, "le numéro n'est pas le sien"),
    (_F.NAME, _W.EQUAL): Weighed(7, "nom et prénom identiques"),
    (_F.NAME, _W.PART): Weighed(5.5, "l'un de ses deux noms, et le prénom"),
    (_F.NAME, _W.INITIALS): Weighed(4.8, "nom identique, initiale du prénom"),
    (_F.NAME, _W.SURNAME): Weighed(3.2, "nom identique, prénom non donné"),
    (_F.NAME, _W.NICKNAME): Weighed(4.6, "nom identique, diminutif du prénom"),
    (_F.NAME, _W.SIMILAR): Weighed(4.6, "nom très proche (orthographe ou faute de frappe)"),
    (_F.NAME, _W.GIVEN): Weighed(-0.5, "nom identique, autre prénom"),
    (_F.NAME, _W.DIFFERS): Weighed(-9, "autre nom"),
    (_F.STRUCTURE_NAME, _W.EQUAL): Weighed(6, "nom identique"),
    (_F.STRUCTURE_NAME, _W.SIMILAR): Weighed(4, "nom très proche"),
    (_F.STRUCTURE_NAME, _W.PART): Weighed(1.5, "une partie du nom"),
    (_F.STRUCTURE_NAME, _W.DIFFERS): Weighed(-9, "autre nom"),
    (_F.PROFESSION, _W.EQUAL): Weighed(1.4, "même profession"),
    (_F.PROFESSION, _W.DIFFERS): Weighed(-3, "autre profession"),
    (_F.SPECIALTY, _W.EQUAL): Weighed(2.2, "même spécialité"),
    (_F.SPECIALTY, _W.DIFFERS): Weighed(-2, "autre spécialité"),
    (_F.TOWN, _W.EQUAL): Weighed(3, "même commune"),
    (_F.TOWN, _W.SIMILAR): Weighed(2, "commune proche (orthographe)"),
    (_F.TOWN, _W.DIFFERS): Weighed(-1.8, "autre commune"),
    (_F.POSTCODE, _W.EQUAL): Weighed(3, "même code postal"),
    (_F.POSTCODE, _W.DEPARTMENT): Weighed(0.8, "même département"),
    (_F.POSTCODE, _W.DIFFERS): Weighed(-2.2, "autre département"),
    (_F.DEPARTMENT, _W.EQUAL): Weighed(1.6, "même département"),
    (_F.DEPARTMENT, _W.DIFFERS): Weighed(-2.2, "autre département"),
    (_F.STRUCTURE, _W.EQUAL): Weighed(4, "même structure"),
    (_F.STRUCTURE, _W.PART): Weighed(2, "structure de nom voisin"),
    (_F.STRUCTURE, _W.DIFFERS): Weighed(-1, "autre structure"),
    (_F.ADDRESS, _W.EQUAL): Weighed(8, "cette adresse est la sienne"),
    (_F.ADDRESS, _W.FORMER): Weighed(6, "cette adresse a été la sienne"),
    (_F.PHONE, _W.EQUAL): Weighed(4, "même téléphone"),
    (_F.TEXT, _W.WORDS): Weighed(2, "d'autres mots concordent"),
    (_F.TEXT, _W.DIFFERS): Weighed(-1.5, "des mots restent sans explication"),
    (_F.STATUS, _W.DIFFERS): Weighed(-0.7, "n'exerce plus"),
}

# What a line about nobody in the directory says for the best of those who were found for it by chance.
NOBODY: Final = 4.4


class Feature(NamedTuple):
    """One field that was compared."""

    field: Field
    way: Way
    times: int = 1  # words that agree so

    @property
    def weight(self) -> float:
        return TABLE[self.field, self.way].weight * self.times

    @property
    def said(self) -> str:
        return TABLE[self.field, self.way].said

    def as_dict(self) -> dict[str, object]:
        return {"field": self.field.value, "how": self.way.value, "said": self.said}
