"""The open RPPS extracts.  Activity rows of type 0 are ADELI's: a file may hold either or both."""

from __future__ import annotations

from importers.rpps.layout import ACTIVITY, DIPLOMA, EXPERTISE
from importers.rpps.parse import DetailParser, PersonParser
from importers.source import Kind, Source

SOURCES = (
    Source(ACTIVITY, Kind.PEOPLE, PersonParser, order=20, people={"8": "rpps.activity", "0": "adeli.activity"}),
    Source(EXPERTISE, Kind.DETAILS, DetailParser, order=30),
    Source(DIPLOMA, Kind.DETAILS, DetailParser, order=40),
)
