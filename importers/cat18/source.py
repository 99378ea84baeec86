"""The monotable of 2016-2018: it only fills what the others leave empty, hence last."""

from __future__ import annotations

from importers.cat18.layout import CAT18
from importers.rpps.parse import PersonParser
from importers.source import Kind, Source

SOURCES = (
    Source(
        CAT18,
        Kind.PEOPLE,
        PersonParser,
        order=90,
        people={"8": "cat18.activity", "0": "cat18.activity"},
        mailboxes="cat18.mailboxes",
    ),
)
