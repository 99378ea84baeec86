"""How old what the index says is.  Reads nothing: a ``Build`` and the time are given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from directory_service.errors import InvalidInput
from directory_service.index.reader import Build
from directory_service.model.rhythms import Rhythms, Silence, silences
from directory_service.registry.clock import parse_instant


def age_of(since: str, now: datetime) -> int | None:
    """Whole seconds from an instant of the index; None for what never was."""
    try:
        return max(0, int((now - parse_instant(since)).total_seconds()))
    except InvalidInput:
        return None


def source_age(source: dict[str, Any], now: datetime) -> int | None:
    """Seconds since a source was last read to its end, whether that changed anything or not."""
    return age_of(str(source.get("finished_at") or ""), now)


def published_age(source: dict[str, Any], now: datetime) -> int | None:
    """Seconds since a source made its last extract; a file read again and again does not get younger."""
    return age_of(published_at(source), now)


def published_at(source: dict[str, Any]) -> str:
    """A build of before that was kept has the instant when the source was read."""
    return str(source.get("published") or source.get("finished_at") or "")


def silent_sources(build: Build, rhythms: Rhythms, now: datetime) -> list[Silence]:
    """Sources whose last extract is older than their rhythm allows, by name."""
    return silences({str(s["name"]): published_at(s) for s in build.sources}, rhythms, now)


def data_age(build: Build, now: datetime | None = None) -> int:
    """Seconds since the newest data came in.  A build that the follower keeps up to date is as young as what it
    follows; one that has no source at all, as young as itself."""
    now = now or datetime.now(UTC)
    ages = [age for source in build.sources if (age := source_age(source, now)) is not None]
    return min(ages) if ages else age_of(build.built_at, now) or 0
