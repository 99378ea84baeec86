"""When a source made a file: by the stamp of its name (``YYYYMMDDhhmm``), else by the date of the file.

Stamps and dates within zips bear no zone: they are read as UTC, wrong by two hours at most.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from datetime import UTC, datetime

from directory_service.registry.clock import format_instant
from importers.extract import ExtractFile, readable

_STAMP = re.compile(r"(?<!\d)(20\d{6})(\d{4})?(?!\d)")


def date_of(file: ExtractFile) -> tuple[str, bool]:
    """The instant as stored text, and whether a stamp says it: of the member of a zip first, then of the zip."""
    for name in (file.member or "", file.path.name):
        stamp = stamp_of(name)
        if stamp:
            return format_instant(stamp), True
    with readable(file.path):
        return format_instant(_own_date(file)), False


def stamp_of(name: str) -> datetime | None:
    """The last stamp of a name; None where there is none, or digits that are no date."""
    found = None
    for day, time in _STAMP.findall(name):
        try:
            found = datetime.strptime(day + (time or "0000"), "%Y%m%d%H%M").replace(tzinfo=UTC)
        except ValueError:
            continue
    return found


def _own_date(file: ExtractFile) -> datetime:
    if file.member is not None:
        with zipfile.ZipFile(file.path) as archive:
            date = archive.getinfo(file.member).date_time
        with suppress(ValueError):  # of a month 0, a 31st of February or an hour 25, which zips may hold
            if date[:3] != (1980, 1, 1):  # zips without dates say so
                return datetime(*date, tzinfo=UTC)
    return datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
