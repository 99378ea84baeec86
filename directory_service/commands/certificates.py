"""``certificate``: the S/MIME certificates of mailboxes, by the staff.  Checks are in ``trust.smime``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from directory_service.commands.common import Commands, as_json, changing, emit, registry, table, whoami, with_settings

if TYPE_CHECKING:
    from directory_service.registry.certificates import Kept
    from directory_service.settings import Settings


@click.group(cls=Commands)
def certificate() -> None:
    """Certificats S/MIME des boîtes."""


@certificate.command("list")
@click.argument("address", metavar="ADRESSE")
@as_json
@with_settings
def list_certificates(settings: Settings, address: str, machine: bool) -> None:
    """Liste les certificats d'une boîte, retirés, révoqués et périmés compris."""
    from directory_service.registry.certificates import read_certificates
    from directory_service.registry.engine import reading

    with registry(settings) as engine, reading(engine) as connection:
        found = read_certificates(connection, address.lower())
    if machine:
        emit({"address": address.lower(), "certificates": [_told(kept) for kept in found]})
        return
    rows = ((k.certificate.sha256, _state(k), k.certificate.not_before, k.certificate.not_after, k.certificate.uses,
             k.certificate.issuer) for k in found)  # fmt: skip
    table(("Empreinte SHA-256", "État", "Valable du", "au", "Usages", "Émetteur"), rows, none="Aucun certificat.")


def _state(kept: Kept) -> str:
    from directory_service.registry.clock import now_text

    now = now_text()
    if kept.revoked:
        return "révoqué"
    if kept.removed:
        return "retiré"
    return "publié" if kept.certificate.not_before <= now < kept.certificate.not_after else "hors dates"


def _told(kept: Kept) -> dict[str, object]:
    c = kept.certificate
    return {
        "sha256": c.sha256, "issuer": c.issuer, "serial": c.serial, "not_before": c.not_before,
        "not_after": c.not_after, "uses": c.uses, "added": kept.added, "actor": kept.actor,
        "removed": kept.removed or None, "revoked": kept.revoked or None,
    }  # fmt: skip


@certificate.command("add")
@click.argument("address", metavar="ADRESSE")
@click.argument("file", metavar="FICHIER", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@with_settings
def add(settings: Settings, address: str, file: Path, machine: bool) -> None:
    """Publie les certificats d'un fichier PEM ou DER pour une boîte."""
    from directory_service.registry.certificates import add_certificates, get_box
    from directory_service.trust.smime import Owner, owned, read_upload, trust_of, vet

    found, given = read_upload(file.read_bytes())
    trust, now = trust_of(settings.smime_anchors, settings.smime_crl), datetime.now(UTC)
    for certificate in found:
        vet(certificate, trust, now, given)
    with changing(settings) as connection:
        box = get_box(connection, address.lower())
        good = [owned(c, Owner(box.address, box.structures)) for c in found]
        added = add_certificates(connection, box, good, actor=whoami())
    if machine:
        emit({"address": box.address, "added": added, "changed": bool(added)})
    else:
        click.echo("\n".join(f"Certificat publié : {sha256}" for sha256 in added) or "Rien à changer.")


@certificate.command("remove")
@click.argument("address", metavar="ADRESSE")
@click.argument("sha256", metavar="EMPREINTE")
@as_json
@with_settings
def remove(settings: Settings, address: str, sha256: str, machine: bool) -> None:
    """Retire un certificat d'une boîte."""
    from directory_service.registry.certificates import get_box, remove_certificate

    with changing(settings) as connection:
        box = get_box(connection, address.lower())
        remove_certificate(connection, box, sha256.lower(), actor=whoami())
    if machine:
        emit({"address": box.address, "removed": [sha256.lower()], "changed": True})
    else:
        click.echo("Certificat retiré.")


@certificate.command("check")
@as_json
@with_settings
def check_revoked(settings: Settings, machine: bool) -> None:
    """Retire de la publication les certificats que les listes de révocation nomment.

    À lancer chaque fois que les listes du réglage smime_crl sont renouvelées.
    """
    from directory_service.registry.certificates import mark_revoked
    from directory_service.trust.smime import MailTrust

    revoked = MailTrust.read(settings.smime_anchors, settings.smime_crl).revoked()
    with changing(settings) as connection:
        touched = mark_revoked(connection, revoked, actor=whoami())
    if machine:
        emit({"listed": len(revoked), "mailboxes": len(touched), "changed": bool(touched)})
    else:
        click.echo(
            f"Certificats révoqués dans les listes : {len(revoked)} ; boîtes qui en perdent un : {len(touched)}."
        )
