"""White lists of one run: read, verified, refused where older than the last one, then loaded with what they move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from directory_service.errors import ImportRefused
from directory_service.registry.clock import parse_instant
from directory_service.registry.runs import last_file
from importers.check import Checked
from importers.extract import ListFile, opened
from importers.whitelist.document import WhiteList, parse_list

LAYOUT = "mssante.whitelist"
_CLOCK_SKEW = timedelta(hours=1)  # between the clock that dates lists and ours


@dataclass(frozen=True, slots=True)
class ListJob:
    """One verified list, with what the run book keeps of any file."""

    file: ListFile
    checked: Checked
    listed: WhiteList
    layout: str = LAYOUT
    stamped: bool = True  # it says itself when it was made

    @property
    def published(self) -> str:
        return self.listed.generated


def read_lists(
    files: Iterable[ListFile], anchors: Path | None, signer: str = "", now: datetime | None = None
) -> list[ListJob]:
    """Oldest first.  Raises ImportRefused, with the file and the exact reason, for one that cannot be trusted."""
    moment = now or datetime.now(UTC)
    return sorted((_read(file, anchors, signer, moment) for file in files), key=lambda job: job.published)


def _read(file: ListFile, path: Path | None, signer: str, now: datetime) -> ListJob:
    from importers.whitelist.signature import SIZE_LIMIT, Anchors, parse_safely, verify  # a third of a second

    try:
        anchors = Anchors.read(path, signer)
        with opened(file.path, file.member) as stream:
            data = stream.read(SIZE_LIMIT + 1)
        signed = verify(parse_safely(data), data, anchors, now)
        listed = parse_list(signed.root)
        if parse_instant(listed.generated) > now + _CLOCK_SKEW:
            raise ImportRefused(f"date de génération à venir ({listed.generated})")
    except ImportRefused as refusal:
        where = file.name if refusal.where is None else f"{file.name}, {refusal.where}"
        raise ImportRefused(refusal.message, where=where) from None
    return ListJob(file, Checked(hashlib.sha256(data).hexdigest(), len(listed.entries)), listed)


def refuse_older(connection: Connection, jobs: Sequence[ListJob]) -> None:
    """Raises ImportRefused for a list made before the last one accepted: somebody may be replaying it."""
    known = last_file(connection, LAYOUT)
    last = known.published if known and known.published else ""
    for job in jobs:
        if job.published < last:
            raise ImportRefused(
                f"liste du {job.published}, plus ancienne que la dernière acceptée, du {last} (rejeu)",
                where=job.file.name,
            )
