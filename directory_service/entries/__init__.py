"""One record ► its LDAP attributes, its JSON, its search texts, its keys and its rank.  PURE.

The functions that the index calls, once a record; what they promise about attributes is the table of ``attributes``.
"""

from directory_service.entries.attributes import ATTRIBUTES, Attribute, prepare
from directory_service.entries.comparing import MatchRule
from directory_service.entries.containers import container_entries
from directory_service.entries.entry import Entry, entry_id
from directory_service.entries.mailboxes import mailbox_entries, mailbox_entry
from directory_service.entries.people import practitioner_entry
from directory_service.entries.record import mailbox_record
from directory_service.entries.structures import organization_entry

__all__ = [
    "ATTRIBUTES",
    "Attribute",
    "Entry",
    "MatchRule",
    "container_entries",
    "entry_id",
    "mailbox_entries",
    "mailbox_entry",
    "mailbox_record",
    "organization_entry",
    "practitioner_entry",
    "prepare",
]
