"""The MSSanté correspondence extract: after the people, so that holders are known."""

from __future__ import annotations

from importers.mssante.layout import MAILBOXES
from importers.mssante.parse import HoldingParser
from importers.source import Kind, Source

SOURCES = (Source(MAILBOXES, Kind.MAILBOXES, HoldingParser, order=50),)
