"""What counts against the budget of who is asking over LDAP (``trust.harvest``, decision 0011)."""

from __future__ import annotations

from pathlib import Path

from directory_service.index.query import Equal, Filter, Or
from directory_service.ldap.limits import LdapSettings
from directory_service.trust.harvest import Harvest


def harvest_of(settings: LdapSettings, path: Path | None = None) -> Harvest:
    return Harvest(settings.harvest_anonymous, settings.harvest_operator, settings.harvest_window, path)


def is_exact(asked: Filter) -> bool:
    """Is it about whole addresses only?  Such a search is never counted and never refused (ldap-clients.md §1.4)."""
    if isinstance(asked, Or):
        return bool(asked.items) and all(map(is_exact, asked.items))
    return isinstance(asked, Equal) and asked.attribute == "mail"
