"""Instants of the registry: UTC text ``YYYY-MM-DDTHH:MM:SSZ``, which sorts as time does in both databases."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from directory_service.errors import InvalidInput

CLOCK_SKEW = timedelta(minutes=5)  # between a caller's clock and ours, before "now" is called the future


def now_text() -> str:
    """The present instant, to the second."""
    return format_instant(datetime.now(UTC))


def format_instant(moment: datetime) -> str:
    """A moment with its zone as stored text; one without a zone is taken to be UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Not strftime, which writes the year 999 in three digits and the year 1 in one: after every other as text.
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


@lru_cache(maxsize=8192)  # a load stamps a million records with the same few instants
def parse_instant(text: str) -> datetime:
    """Stored text, or any ISO 8601 date or instant that a person types; a bare date is its midnight, UTC.
    Raises InvalidInput, with what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first day of year 1 in a zone east of ours has no UTC
        raise InvalidInput(_no_instant(text)) from None


_WANTED: Final = "date ou instant ISO 8601 attendu, par exemple 2026-11-24 ou 2026-11-24T03:45:00Z"
_OURS: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?![0-9])")
_FRENCH: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?![0-9])")
_MONTHS: Final = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905


def _no_instant(text: str) -> str:
    """Why a text is no instant: its day does not exist, or is written in another way."""
    ours, french = _OURS.match(text.strip()), _FRENCH.match(text.strip())
    if ours:
        year, month, day = map(int, ours.groups())
    elif french:
        day, month, year = map(int, french.groups())
    else:
        return _WANTED
    missing = _no_day(year, month, day)
    if missing:
        return f"ce jour n'existe pas, {missing}"
    written = f"{year:04}-{month:02}-{day:02}"
    return _WANTED if ours and ours[0] == written else f"s'écrit {written} : l'année, le mois, le jour"


def _no_day(year: int, month: int, day: int) -> str:
    """What keeps these numbers from being a day; "" where nothing does."""
    if year < 1 or not 1 <= month <= len(_MONTHS):
        return f"il n'y a pas de mois {month}" if year else "il n'y a pas d'an 0"
    last = monthrange(year, month)[1]
    return "" if 1 <= day <= last else f"{_MONTHS[month - 1]} {year} compte {last} jours"
