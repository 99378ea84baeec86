"""The tables of the registry, the system of record: SQLAlchemy Core, the same for SQLite and PostgreSQL.

One practitioner is one row of ``practitioner`` whatever the number of sources that speak of her; ``identifier`` keeps
every number ever issued; ``source_record`` remembers, per source, the digest of what that source last said, so that
an unchanged record costs nothing.  Nothing is deleted by an import: it becomes inactive or closed, with its date.
Instants are stored as UTC text ``YYYY-MM-DDTHH:MM:SSZ`` in both databases: sortable, readable and equal everywhere.
"""

from __future__ import annotations

from directory_service.registry.tables.base import Key, metadata
from directory_service.registry.tables.clients import client
from directory_service.registry.tables.log import log_head, log_leaf, log_node, log_place
from directory_service.registry.tables.mailboxes import binding, mail_certificate, mailbox, replay
from directory_service.registry.tables.people import (
    activity,
    decision,
    expertise,
    identifier,
    link,
    nomenclature,
    organization,
    practitioner,
    qualification,
)
from directory_service.registry.tables.runs import (
    finding,
    journal,
    rejection,
    run,
    run_file,
    source_record,
    tally,
    undo_range,
    undo_row,
)
from directory_service.registry.tables.trust import (
    domain,
    operator,
    operator_certificate,
    operator_subject,
    suspension,
)

__all__ = [
    "Key",
    "activity",
    "binding",
    "client",
    "decision",
    "domain",
    "expertise",
    "finding",
    "identifier",
    "journal",
    "link",
    "log_head",
    "log_leaf",
    "log_node",
    "log_place",
    "mail_certificate",
    "mailbox",
    "metadata",
    "nomenclature",
    "operator",
    "operator_certificate",
    "operator_subject",
    "organization",
    "practitioner",
    "qualification",
    "rejection",
    "replay",
    "run",
    "run_file",
    "source_record",
    "suspension",
    "tally",
    "undo_range",
    "undo_row",
]
