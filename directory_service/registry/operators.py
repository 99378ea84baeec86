"""Messaging operators of the trusted space, changed by hand: their domains, contacts, secret, certificates, status.

What an imported white list says is written by ``importers.whitelist``; nothing here touches its domains, nor it those
given here.  A secret reads ``<name>.<random>``, so that the secret alone says whose it is; only its argon2 hash is
kept, and it is given once.  Each change is journalled, without the secret or its hash.  Who may do what with it is
``trust``'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from directory_service.errors import Forbidden, InvalidInput, NotFound
from directory_service.model.mailboxes import RIGHTS, CertificateRule
from directory_service.model.subjects import subject_key
from directory_service.model.trust import ACTIVE, LISTED, MANUAL, SUSPENDED, WITHDRAWN, domain_name
from directory_service.registry import journal
from directory_service.registry.clock import format_instant, now_text
from directory_service.registry.minting import mint
from directory_service.registry.tables import domain, operator, operator_certificate, operator_subject, suspension
from directory_service.registry.trusted import get_operator as get_operator

# The name stands in a DN (cn=<name>,ou=operateurs,…) and before the last dot of a secret: neither must need escaping.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_LONGEST_CONTACT = 200
GRACE = 600.0  # seconds: who waits longer for an answer has noticed


def add_operator(
    connection: Connection, name: str, domains: Sequence[str] = (), *, actor: str, at: str | None = None
) -> int:
    """Adds an active operator, who has no secret yet, and gives its key.  Raises InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "un nom d'opérateur est fait de minuscules, chiffres, points, tirets et soulignés (64 caractères au plus)"
        )
    if _find(connection, name) is not None:
        raise InvalidInput("un opérateur porte déjà ce nom")
    held, moment = [_checked(d) for d in domains], at or now_text()
    values = {"name": name, "status": ACTIVE, "status_since": moment, "source": MANUAL}
    key = int(connection.execute(insert(operator).values(values).returning(operator.c.id)).scalar_one())
    _journal(connection, actor, "create", key, {"name": name, "domains": held}, moment)
    for each in held:
        _open_domain(connection, key, each, moment)
    return key


def set_secret(connection: Connection, name: str, *, actor: str, at: str | None = None, used: str | None = None) -> str:
    """Gives the operator a new secret, which is returned and kept nowhere; no other opens anything any more.  But the
    one that the operator asked with, whose hash is ``used``, goes on opening for ``GRACE`` seconds: the answer may be
    lost on its way.  Raises Forbidden where that one opens nothing already: the index may not say so yet."""
    key = _get(connection, name)
    former, until = "", ""
    if used is not None:
        former, until = used, format_instant(datetime.now(UTC) + timedelta(seconds=GRACE))
        row = connection.execute(select(operator).where(operator.c.id == key)).one()
        if used not in (row.secret_hash, row.former_hash if row.former_until > now_text() else None):
            raise Forbidden("ce secret a été remplacé")
    secret, made = mint(name)
    values = {"secret_hash": made, "former_hash": former, "former_until": until}
    connection.execute(update(operator).where(operator.c.id == key).values(values))
    _journal(connection, actor, "secret", key, None, at)
    return secret


def require_active(connection: Connection, name: str) -> None:
    """Raises Forbidden for an operator that is suspended, withdrawn or unknown: the index may not say so yet."""
    status = connection.execute(select(operator.c.status).where(operator.c.name == name)).scalar()
    if status != ACTIVE:
        raise Forbidden("opérateur suspendu")


def add_certificate(
    connection: Connection, name: str, rule: CertificateRule, *, actor: str, at: str | None = None
) -> bool:
    """The certificates of this rule speak for the operator from now on; tells whether that is new.  Raises InvalidInput
    where they speak for another."""
    key, moment = _get(connection, name), at or now_text()
    owner = connection.execute(select(operator_certificate.c.operator_id).where(*_is(rule))).scalar()
    if owner is not None and owner != key:
        raise InvalidInput("ce certificat désigne déjà un autre opérateur")
    if owner is None:
        connection.execute(insert(operator_certificate).values(operator_id=key, since=moment, **rule._asdict()))
        _journal(connection, actor, "certificate", key, {"added": rule._asdict()}, moment)
    return owner is None


def remove_certificate(
    connection: Connection, name: str, rule: CertificateRule, *, actor: str, at: str | None = None
) -> bool:
    """The certificates of this rule no longer speak for the operator; tells whether they did."""
    key = _get(connection, name)
    theirs = operator_certificate.c.operator_id == key, *_is(rule)
    changed = connection.execute(delete(operator_certificate).where(*theirs)).rowcount > 0
    if changed:
        _journal(connection, actor, "certificate", key, {"removed": rule._asdict()}, at)
    return changed


def _is(rule: CertificateRule) -> tuple[ColumnElement[bool], ...]:
    return tuple(operator_certificate.c[name] == value for name, value in rule._asdict().items())


def set_status(connection: Connection, name: str, status: str, *, actor: str, at: str | None = None) -> bool:
    """``active`` or ``suspended``; tells whether that changed anything.  An operator that a white list brought and that
    holds no domain any more is ``withdrawn`` instead of active."""
    if status not in (ACTIVE, SUSPENDED):
        raise InvalidInput("l'état d'un opérateur est « active » ou « suspended »")
    key, moment = _get(connection, name), at or now_text()
    was = connection.execute(select(operator.c.status).where(operator.c.id == key)).scalar_one()
    if (status == SUSPENDED) is (was == SUSPENDED):
        return False
    if status == SUSPENDED:
        connection.execute(insert(suspension).values(operator_id=key, since=moment))
    else:
        ended = suspension.c.operator_id == key, suspension.c.until.is_(None)
        connection.execute(update(suspension).where(*ended).values(until=moment))
        status = WITHDRAWN if _is_withdrawn(connection, key) else ACTIVE
    connection.execute(update(operator).where(operator.c.id == key).values(status=status, status_since=moment))
    _journal(connection, actor, "suspend" if status == SUSPENDED else "resume", key, {"status": status}, moment)
    return True


def _withdraw_or_return(connection: Connection, key: int, actor: str, moment: str) -> None:
    """What becomes of an operator with its last domain, or its first again, as when a white list says so; a suspended
    one stays suspended."""
    was = connection.execute(select(operator.c.status).where(operator.c.id == key)).scalar_one()
    status = WITHDRAWN if _is_withdrawn(connection, key) else ACTIVE
    if was not in (SUSPENDED, status):
        connection.execute(update(operator).where(operator.c.id == key).values(status=status, status_since=moment))
        _journal(connection, actor, "withdraw" if status == WITHDRAWN else "return", key, {"status": status}, moment)


def _is_withdrawn(connection: Connection, key: int) -> bool:
    held = select(domain.c.id).where(domain.c.operator_id == key, domain.c.until.is_(None)).limit(1)
    source = connection.execute(select(operator.c.source).where(operator.c.id == key)).scalar_one()
    return source == LISTED and connection.execute(held).first() is None


def set_right(connection: Connection, name: str, right: str, given: bool, *, actor: str, at: str | None = None) -> bool:
    """Gives or takes one right of ``RIGHTS``; tells whether that changed anything.  Raises InvalidInput, NotFound."""
    if right not in RIGHTS:
        raise InvalidInput(f"un droit est l'un de : {', '.join(RIGHTS)}")
    key = _get(connection, name)
    held = set(connection.execute(select(operator.c.rights).where(operator.c.id == key)).scalar_one().split())
    after = held | {right} if given else held - {right}
    if after == held:
        return False
    connection.execute(update(operator).where(operator.c.id == key).values(rights=" ".join(sorted(after))))
    _journal(connection, actor, "right", key, {"given" if given else "taken": right}, at)
    return True


def suspend(connection: Connection, name: str, *, actor: str, at: str | None = None) -> bool:
    """The operator may no longer publish or read as one, and its domains are out of trust; its mailboxes stay."""
    return set_status(connection, name, SUSPENDED, actor=actor, at=at)


def resume(connection: Connection, name: str, *, actor: str, at: str | None = None) -> bool:
    """Ends a suspension; tells whether there was one.  The time it lasted stays out of trust."""
    return set_status(connection, name, ACTIVE, actor=actor, at=at)


def set_contacts(
    connection: Connection,
    name: str,
    *,
    actor: str,
    responsible: str | None = None,
    support: str | None = None,
    at: str | None = None,
) -> bool:
    """Whom to write to or call, as free text; None leaves as is, empty takes away.  Tells whether that changed
    anything.  The journal says that contacts changed, not what they are: they name people."""
    key = _get(connection, name)
    given = {"responsible": responsible, "support": support}
    values = {c: checked_contact(text) for c, text in given.items() if text is not None}
    if not values:
        return False
    other = operator.c.id == key, or_(*(operator.c[c] != text for c, text in values.items()))
    changed = connection.execute(update(operator).where(*other).values(values)).rowcount > 0
    if changed:
        _journal(connection, actor, "contacts", key, {"changed": sorted(values)}, at)
    return changed


def checked_contact(text: str) -> str:
    """Whom to tell, in one line.  Raises InvalidInput."""
    found = text.strip()
    if len(found) > _LONGEST_CONTACT or not found.isprintable():
        raise InvalidInput(f"un contact tient en une ligne de {_LONGEST_CONTACT} caractères au plus")
    return found


def add_subject(connection: Connection, name: str, subject: str, *, actor: str, at: str | None = None) -> bool:
    """White lists mean this operator by that certificate name (DN) from now on; tells whether that is new.  Raises
    InvalidInput where it names another."""
    key, moment, folded = _get(connection, name), at or now_text(), _subject(subject)
    query = select(operator_subject.c.operator_id).where(operator_subject.c.key == folded)
    owner = connection.execute(query).scalar()
    if owner is not None and owner != key:
        raise InvalidInput("ce nom de certificat désigne déjà un autre opérateur")
    if owner is None:
        row = {"operator_id": key, "key": folded, "value": subject.strip(), "since": moment, "source": MANUAL}
        connection.execute(insert(operator_subject).values(row))
        _journal(connection, actor, "subject", key, {"added": subject.strip()}, moment)
    return owner is None


def remove_subject(connection: Connection, name: str, subject: str, *, actor: str, at: str | None = None) -> bool:
    """That certificate name no longer means the operator; tells whether it did."""
    key = _get(connection, name)
    theirs = operator_subject.c.operator_id == key, operator_subject.c.key == _subject(subject)
    changed = connection.execute(delete(operator_subject).where(*theirs)).rowcount > 0
    if changed:
        _journal(connection, actor, "subject", key, {"removed": subject.strip()}, at)
    return changed


def _subject(text: str) -> str:
    folded = subject_key(text)
    if not folded or not text.isprintable():
        raise InvalidInput("un nom de certificat est attendu, par exemple CN=mss.exemple.fr,O=EXEMPLE,C=FR")
    return folded


def add_domain(connection: Connection, name: str, domain_name: str, *, actor: str, at: str | None = None) -> bool:
    """Puts a domain under an operator (others may hold it too); tells whether it was not there already."""
    key, checked, moment = _get(connection, name), _checked(domain_name), at or now_text()
    changed = _open_domain(connection, key, checked, moment)
    if changed:
        _journal(connection, actor, "domain", key, {"opened": checked}, moment)
        _withdraw_or_return(connection, key, actor, moment)
    return changed


def remove_domain(connection: Connection, name: str, domain_name: str, *, actor: str, at: str | None = None) -> bool:
    """The operator no longer holds by hand the domain, from now on; tells whether it did.  Raises InvalidInput for one
    that a white list gives it: the next list would give it again."""
    key, checked, moment = _get(connection, name), _checked(domain_name), at or now_text()
    held = domain.c.operator_id == key, domain.c.name == checked, domain.c.until.is_(None)
    by_hand = *held, domain.c.source == MANUAL
    changed = connection.execute(update(domain).where(*by_hand).values(until=moment)).rowcount > 0
    if changed:
        _journal(connection, actor, "domain", key, {"closed": checked}, moment)
        _withdraw_or_return(connection, key, actor, moment)
    elif connection.execute(select(domain.c.id).where(*held).limit(1)).first():
        raise InvalidInput("ce domaine vient de la liste blanche, qui le rouvrirait : suspendez plutôt l'opérateur")
    return changed


def _open_domain(connection: Connection, key: int, name: str, moment: str) -> bool:
    """Nothing where the operator holds it already, by hand or by a white list; each stretch is a row."""
    held = domain.c.operator_id == key, domain.c.name == name, domain.c.until.is_(None)
    if connection.execute(select(domain.c.id).where(*held).limit(1)).first():
        return False
    connection.execute(insert(domain).values(name=name, operator_id=key, since=moment, source=MANUAL))
    return True


def _checked(name: str) -> str:
    found = domain_name(name)
    if not found:
        raise InvalidInput("nom de domaine attendu, par exemple medecin.mssante.fr")
    return found


def _find(connection: Connection, name: str) -> int | None:
    return connection.execute(select(operator.c.id).where(operator.c.name == name)).scalar()


def _get(connection: Connection, name: str) -> int:
    key = _find(connection, name)
    if key is None:
        raise NotFound("aucun opérateur ne porte ce nom")
    return key


def _journal(
    connection: Connection, actor: str, kind: str, key: int, after: journal.State | None, at: str | None
) -> None:
    journal.append(connection, actor=actor, kind=kind, subject="operator", subject_id=key, after=after, at=at)
