"""S/MIME certificates of mailboxes in the registry: added, removed, found revoked; each change is in the journal.

A certificate belongs to an address and not to a row of ``mailbox``: an import that closes a mailbox and opens it again
leaves it its certificates.  A row stays when its certificate goes, with the date.  The entry of the journal is of the
mailbox, so that whoever follows it renders that one again.  Whether a certificate is good, ``trust.smime`` has said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from directory_service.errors import LimitExceeded, NotFound
from directory_service.model.certificates import MOST, MailCertificate
from directory_service.registry import journal
from directory_service.registry.bulk import chunks
from directory_service.registry.clock import now_text
from directory_service.registry.publishing import require_publisher
from directory_service.registry.tables import binding, mail_certificate, mailbox, organization

_T = mail_certificate.c
_PUBLISHED: tuple[ColumnElement[bool], ...] = (_T.removed_at.is_(None), _T.revoked_at.is_(None))
_STRUCTURES_OWN = ("ORG", "APP")


@dataclass(frozen=True, slots=True)
class Box:
    """An open mailbox; ``structures``: national numbers of those that hold it themselves (ORG, APP)."""

    pk: int
    address: str
    structures: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate as the registry keeps it.  ``removed`` and ``revoked`` are instants, or empty."""

    address: str
    certificate: MailCertificate
    added: str
    actor: str
    removed: str
    revoked: str


def get_box(connection: Connection, address: str) -> Box:
    """Raises NotFound unless the mailbox is there and open."""
    query = select(mailbox.c.id, mailbox.c.type).where(mailbox.c.address == address, mailbox.c.until.is_(None))
    found = connection.execute(query).first()
    if found is None:
        raise NotFound("aucune boîte ouverte ne porte cette adresse")
    numbers = (
        select(organization.c.national_id)
        .join(binding, binding.c.organization_id == organization.c.id)
        .where(binding.c.mailbox_id == found.id, binding.c.until.is_(None))
    )
    held = connection.execute(numbers).scalars() if found.type in _STRUCTURES_OWN else ()
    return Box(found.id, address, frozenset(held))


def own_box(connection: Connection, operator: str, address: str) -> Box:
    """The same, of a domain of an operator who may publish: the registry says so, as for any publication, since the
    index may not know yet that it was suspended, or lost the domain or the right.  Raises Forbidden, NotFound."""
    require_publisher(connection, operator).require(address)
    return get_box(connection, address)


def add_certificates(
    connection: Connection, box: Box, certificates: Sequence[MailCertificate], *, actor: str, at: str | None = None
) -> list[str]:
    """Publishes them beside those there are; gives the digests of those that were not published yet.  Raises
    LimitExceeded past ``MOST`` of one address."""
    return _publish(connection, box, _published(connection, box.address), certificates, (), actor, at)[0]


def replace_certificates(
    connection: Connection, box: Box, certificates: Sequence[MailCertificate], *, actor: str, at: str | None = None
) -> tuple[list[str], list[str]]:
    """These and no others are published from now on; gives the digests of the new ones and of those that go."""
    wanted, held = {c.sha256 for c in certificates}, _published(connection, box.address)
    return _publish(connection, box, held, certificates, [d for d in held if d not in wanted], actor, at)


def remove_certificate(connection: Connection, box: Box, sha256: str, *, actor: str, at: str | None = None) -> None:
    """Raises NotFound where no such certificate is published."""
    held = _published(connection, box.address)
    if sha256 not in held:
        raise NotFound("aucun certificat n'a cette empreinte")
    _publish(connection, box, held, (), [sha256], actor, at)


def _publish(
    connection: Connection, box: Box, held: Set[str], certificates: Sequence[MailCertificate], gone: Sequence[str],
    actor: str, at: str | None,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """``held``: what is published now."""
    moment = at or now_text()
    new = {c.sha256: c for c in certificates if c.sha256 not in held}
    if len(held) + len(new) - len(gone) > MOST:
        raise LimitExceeded(f"au plus {MOST} certificats par adresse")
    for certificate in new.values():
        _write(connection, box.address, certificate, actor, moment)
    for sha256 in gone:
        of = _T.address == box.address, _T.sha256 == sha256
        connection.execute(update(mail_certificate).where(*of).values(removed_at=moment))
    if new or gone:
        said = {name: [*digests] for name, digests in (("added", new), ("removed", gone)) if digests}
        _journal(connection, box.pk, said, actor, moment)
    return list(new), list(gone)


def _published(connection: Connection, address: str) -> set[str]:
    return set(connection.execute(select(_T.sha256).where(_T.address == address, *_PUBLISHED)).scalars())


def _write(connection: Connection, address: str, certificate: MailCertificate, actor: str, moment: str) -> None:
    """One that was here before comes back: ``trust.smime`` has found it good today."""
    values: dict[str, Any] = {
        **{name: getattr(certificate, name) for name in _FIELDS},
        "uses": " ".join(certificate.uses),
        "added_at": moment,
        "added_by": actor,
        "removed_at": None,
        "revoked_at": None,
    }
    of = _T.address == address, _T.sha256 == certificate.sha256
    if not connection.execute(update(mail_certificate).where(*of).values(values)).rowcount:
        connection.execute(insert(mail_certificate).values(address=address, **values))


_FIELDS = ("sha256", "der", "subject", "issuer", "serial", "not_before", "not_after")


def mark_revoked(
    connection: Connection, revoked: frozenset[tuple[str, str]], *, actor: str, at: str | None = None
) -> list[str]:
    """Takes out of publication those of these issuers and serials; gives the addresses that lost one."""
    moment, touched = at or now_text(), dict[str, list[str]]()
    query = select(_T.id, _T.address, _T.sha256, _T.issuer, _T.serial).where(*_PUBLISHED)
    found = [row for row in connection.execute(query) if (row.issuer, row.serial) in revoked]
    for row in found:
        connection.execute(update(mail_certificate).where(_T.id == row.id).values(revoked_at=moment))
        touched.setdefault(row.address, []).append(row.sha256)
    for address, digests in touched.items():
        pk = connection.execute(select(mailbox.c.id).where(mailbox.c.address == address)).scalar()
        if pk is not None:  # taken out by a rollback, and in no index
            _journal(connection, pk, {"revoked": digests}, actor, moment)
    return list(touched)


def read_certificates(connection: Connection, address: str) -> list[Kept]:
    """All that the registry ever knew of one address, the newest first."""
    query = select(mail_certificate).where(_T.address == address).order_by(_T.not_before.desc(), _T.sha256)
    return [_kept(row) for row in connection.execute(query)]


def read_published(
    connection: Connection, addresses: Sequence[str] | None = None
) -> Iterator[tuple[str, MailCertificate]]:
    """Those to serve while their dates allow it, of these addresses or of all; expired ones too."""
    query = select(mail_certificate).where(*_PUBLISHED).execution_options(yield_per=500)
    if addresses is None:
        yield from ((k.address, k.certificate) for k in map(_kept, connection.execute(query)))
        return
    for chunk in chunks(sorted(addresses)):
        found = connection.execute(query.where(_T.address.in_(chunk)))
        yield from ((k.address, k.certificate) for k in map(_kept, found))


def _kept(row: Row[Any]) -> Kept:
    certificate = MailCertificate(
        **{name: getattr(row, name) for name in _FIELDS if name != "der"},
        der=bytes(row.der),
        uses=tuple(row.uses.split()),
    )
    return Kept(row.address, certificate, row.added_at, row.added_by, row.removed_at or "", row.revoked_at or "")


def _journal(connection: Connection, pk: int, said: journal.State, actor: str, moment: str) -> None:
    journal.append(connection, actor=actor, kind="certificate", subject="mailbox", subject_id=pk, after=said, at=moment)


__all__ = [
    "Box",
    "Kept",
    "add_certificates",
    "get_box",
    "mark_revoked",
    "own_box",
    "read_certificates",
    "read_published",
    "remove_certificate",
    "replace_certificates",
]
