"""The official white list (*liste blanche MSSanté*): XML ► entries, and back.  No signature is looked at here.

``https://listeblanche.mssante.fr/schema``: ``ListeBlancheMSSante/DateDeGeneration``, ``ListeDomaines/Domaine{Nom,
Description, DNCertificatOperateur, ResponsableContact, SupportContact, DateMAJ}``; a domain is there once for each
certificate name.  Elements that are not known are passed over, what is needed and missing refuses the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from directory_service.errors import ImportRefused, InvalidInput
from directory_service.model.subjects import subject_key
from directory_service.model.trust import domain_name
from directory_service.registry.clock import format_instant, parse_instant

NAMESPACE = "https://listeblanche.mssante.fr/schema"
ROOT = "ListeBlancheMSSante"
MOST_ENTRIES = 200_000  # 8,655 in 2026
_NS = f"{{{NAMESPACE}}}"
_LONGEST = 1000  # characters of one value


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One domain under one certificate name.  ``updated``: instant, UTC text; empty when the list gives none."""

    domain: str
    subject: str  # DN, as written
    description: str = ""
    responsible: str = ""
    support: str = ""
    updated: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.domain, subject_key(self.subject)


@dataclass(frozen=True, slots=True)
class WhiteList:
    generated: str  # instant, UTC text
    entries: tuple[ListEntry, ...]  # each key once


def parse_list(root: etree._Element) -> WhiteList:
    """Raises ImportRefused for what is no white list, or lacks what one must say."""
    if root.tag != _NS + ROOT:
        raise ImportRefused(f"racine {ROOT} attendue, dans l'espace de noms {NAMESPACE}")
    generated = _instant(_text(root, "DateDeGeneration"), "DateDeGeneration")
    lists = root.findall(_NS + "ListeDomaines")
    if not generated or len(lists) != 1:
        raise ImportRefused("DateDeGeneration et ListeDomaines attendues, une fois chacune")
    entries: dict[tuple[str, str], ListEntry] = {}
    for number, element in enumerate(lists[0].iterfind(_NS + "Domaine"), 1):
        if number > MOST_ENTRIES:
            raise ImportRefused(f"plus de {MOST_ENTRIES} domaines")
        for entry in _entries(element, f"domaine {number}"):
            last = entries.get(entry.key)
            entries[entry.key] = max(last, entry, key=lambda e: e.updated) if last else entry
    if not entries:
        raise ImportRefused("la liste ne contient aucun domaine")
    return WhiteList(generated, tuple(entries.values()))


def _entries(element: etree._Element, where: str) -> Iterator[ListEntry]:
    domain = domain_name(_text(element, "Nom"))
    if not domain:
        raise ImportRefused("nom de domaine attendu", where=where)
    subjects = [_flat(e) for e in element.iterfind(_NS + "DNCertificatOperateur")]
    if not subjects or not all(map(subject_key, subjects)):
        raise ImportRefused("DNCertificatOperateur attendu", where=where)
    told = (_text(element, name) for name in ("Description", "ResponsableContact", "SupportContact"))
    said = (*told, _instant(_text(element, "DateMAJ"), where))
    for subject in subjects:
        yield ListEntry(domain, subject, *said)


def _text(parent: etree._Element, name: str) -> str:
    found = parent.findall(_NS + name)
    if len(found) > 1:
        raise ImportRefused(f"{name} présent plusieurs fois")
    return _flat(found[0]) if found else ""


def _flat(element: etree._Element) -> str:
    """All the text below: a contact may be parted into elements, which no public source shows."""
    return " ".join(" ".join(element.itertext()).split())[:_LONGEST]


def _instant(text: str, where: str) -> str:
    try:
        return format_instant(parse_instant(text)) if text else ""
    except InvalidInput as error:
        raise ImportRefused(error.message, where=where) from None


def make_list(generated: str, entries: Iterable[ListEntry]) -> etree._Element:
    """The document of these entries, not signed."""
    root = etree.Element(_NS + ROOT, nsmap={None: NAMESPACE})
    root.text = "\n"
    _add(root, "DateDeGeneration", generated)
    listed = etree.SubElement(root, _NS + "ListeDomaines")
    for entry in entries:
        element = etree.SubElement(listed, _NS + "Domaine")
        for name, value in (
            ("Nom", entry.domain),
            ("Description", entry.description),
            ("DNCertificatOperateur", entry.subject),
            ("ResponsableContact", entry.responsible),
            ("SupportContact", entry.support),
            ("DateMAJ", entry.updated),
        ):
            _add(element, name, value)
        element.tail = "\n"
    listed.text = listed.tail = "\n"
    return root


def _add(parent: etree._Element, name: str, value: str) -> None:
    child = etree.SubElement(parent, _NS + name)
    child.text, child.tail = value, "\n" if name == "DateDeGeneration" else None
