"""The official crosswalk: first, so that a person is created once, under both numbers."""

from __future__ import annotations

from importers.links.layout import LINKS
from importers.links.parse import LinkParser
from importers.source import Kind, Source

SOURCES = (Source(LINKS, Kind.LINKS, LinkParser, order=10),)
