"""The entries that hold the others: the suffix and its three branches.  PURE."""

from __future__ import annotations

from typing import Final

from directory_service.entries.attributes import column, worded
from directory_service.entries.dates import generalized
from directory_service.entries.entry import ANYONE, CONTAINER, Entry, entry_id
from directory_service.entries.wire import entry_ber, many, one
from directory_service.ldap.dn import parse_dn

BRANCHES: Final = (
    ("bal", "Boîtes aux lettres et leurs titulaires : la branche des logiciels de messagerie"),
    ("personnes", "Professionnels, en exercice ou non"),
    ("structures", "Structures"),
)
# Type of the suffix's first name ► its classes.  Any other suffix is refused by ``container_entries``.
_CLASSES: Final = {
    "o": ("top", "organization"),
    "ou": ("top", "organizationalUnit"),
    "dc": ("top", "dcObject", "organization"),
    "c": ("top", "country"),
    "l": ("top", "locality"),
}


def container_entries(suffix: str) -> tuple[Entry, ...]:
    """The suffix first.  Raises ``ldap.dn.InvalidDN``, and ValueError for a suffix whose type names no container."""
    kind, value = parse_dn(suffix)[0][0]
    if kind not in _CLASSES:
        raise ValueError(f"suffix named by {kind}: one of {', '.join(_CLASSES)} is needed")
    named = many("objectClass", _CLASSES[kind]) + one(kind, value) + (one("o", value) if kind == "dc" else b"")
    top = _entry(1, suffix, named, (value,) if kind in ("o", "ou", "dc") else ())
    return top, *(_branch(pk, ou, text, suffix) for pk, (ou, text) in enumerate(BRANCHES, 2))


def _branch(pk: int, ou: str, text: str, suffix: str) -> Entry:
    body = many("objectClass", ("top", "organizationalUnit")) + one("ou", ou) + one("description", text)
    return _entry(pk, f"ou={ou},{suffix}", body, (ou, text))


def _entry(pk: int, dn: str, body: bytes, org: tuple[str, ...]) -> Entry:
    return Entry(
        id=entry_id(CONTAINER, 0, pk),
        dn=dn,
        view=ANYONE,
        sn="",
        name="",
        given="",
        mail="",
        org=column(form for text in org for form in worded(text)),
        work="",
        shown="",
        place="",
        tags="",
        keys=(),
        ber=entry_ber(dn, body),
        json=b"{}",
        created=generalized(None),
        changed=generalized(None),
    )
