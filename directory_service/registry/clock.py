"""Instants of the registry: UTC text ``YYYY-MM-DDTHH:MM:SSZ``, which sorts as time does in both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

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
    Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first day of year 1 in a zone east of ours has no UTC
        raise InvalidInput("date ou instant ISO 8601 attendu, par exemple 2026-11-24 ou 2026-11-24T03:45:00Z") from None
