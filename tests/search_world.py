"""People for the tests of the one box: each a situation that searches must tell apart.  Synthetic throughout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from index_world import write_index
from record_factories import (
    CARDIOLOGY,
    NURSE,
    ORDINAL,
    PHYSICIAN,
    SUFFIX,
    make_address,
    make_binding,
    make_organization,
    make_practitioner,
    make_role,
)

from directory_service.entries.entry import Entry
from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.index.directory import Directory
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Coded, Expertise, Organization, Status

PHYSIO, DENTIST, PHARMACIST = (
    Coded("70", "Masseur-Kinésithérapeute"),
    Coded("40", "Chirurgien-Dentiste"),
    Coded("21", ""),
)
GENERAL = Coded("SM54", "Médecine générale")


def place(pk: int, city: str, postcode: str, department: tuple[str, str], name: str, finess: str = "") -> Organization:
    address = make_address(city=city, postcode=postcode, department=department)
    return make_organization(pk, name=name, finess=finess, siret="", address=address)


LYON = place(1, "LYON", "69003", ("69", "Rhône"), "CABINET MEDICAL DES TILLEULS")
ROUEN = place(2, "ROUEN", "76000", ("76", "Seine-Maritime"), "CENTRE HOSPITALIER UNIVERSITAIRE DE ROUEN", "760000158")
ETIENNE = place(3, "ST ETIENNE", "42000", ("42", "Loire"), "CABINET DE KINESITHERAPIE")
PARIS = place(4, "PARIS 16", "75016", ("75", "Paris"), "CLINIQUE SAINT MARTIN")
AJACCIO = place(5, "AJACCIO CEDEX 1", "20000", ("2A", "Corse-du-Sud"), "PHARMACIE DU PORT")

# pk, family, given, profession, specialty, structures, address of an open listed mailbox ("" for none), status
_PEOPLE: tuple[tuple[int, str, str, Coded, Coded | None, Sequence[Organization], str, Status], ...] = (
    (1, "DUPONT", "JEAN", PHYSICIAN, CARDIOLOGY, (LYON,), "jean.dupont@medecin.mssante.fr", Status.ACTIVE),
    (2, "DUPONT", "JEANNE", PHYSICIAN, CARDIOLOGY, (ROUEN,), "", Status.ACTIVE),
    (3, "DUPONTEL", "PAUL", PHYSICIAN, CARDIOLOGY, (LYON,), "p.dupontel@chu-rouen.mssante.fr", Status.ACTIVE),
    (4, "DUPONT", "MARIE", NURSE, None, (LYON,), "", Status.INACTIVE),
    (5, "MARTIN", "JEAN-PIERRE", PHYSIO, None, (ETIENNE,), "jp.martin@kine.mssante.fr", Status.ACTIVE),
    (6, "LE GOFF", "BÉNÉDICTE", DENTIST, None, (PARIS,), "", Status.ACTIVE),
    (7, "LYON", "PIERRE", PHARMACIST, None, (AJACCIO,), "", Status.ACTIVE),
    (8, "DE LA TOUR", "ROBERT", PHYSICIAN, GENERAL, (ROUEN, PARIS), "r.delatour@medecin.mssante.fr", Status.ACTIVE),
    (9, "LEFEBVRE", "ANNE", NURSE, None, (ROUEN,), "", Status.ACTIVE),
    (10, "D'ESSAI", "ZOÉ", PHYSICIAN, GENERAL, (LYON,), "", Status.ACTIVE),
)  # fmt: skip
HIDDEN = "cachee@secret.mssante.fr"  # D'Essai's only box


def people() -> dict[int, str]:
    """National ids by key."""
    return {p[0]: make_practitioner(p[0]).national_id for p in _PEOPLE}


ADELI = "691234563"  # Dupont Jean's former number


def entries() -> Iterable[Entry]:
    for pk, family, given, profession, specialty, structures, address, status in _PEOPLE:
        person = make_practitioner(
            pk,
            family_name=family,
            given_names=given,
            profession=profession,
            adelis=(ADELI,) if pk == 1 else (),
            expertises=[Expertise(profession.code, ORDINAL, specialty)] if specialty else [],
            roles=[make_role(s, profession=profession) for s in structures],
            status=status,
        )
        boxes = [make_binding(pk, address, practitioner=person, type=MailboxType.PERSONAL)] if address else []
        if pk == 10:
            boxes = [make_binding(pk, HIDDEN, practitioner=person, unlisted=True)]
        yield practitioner_entry(person, boxes, SUFFIX)
        for box in boxes:
            yield from mailbox_entries([box], SUFFIX)


def build(folder: Path, more: Iterable[Entry] = ()) -> Directory:
    """The directory, which the caller closes."""
    return Directory(write_index(folder, [*entries(), *more]), SUFFIX)
