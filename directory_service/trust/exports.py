"""Whole exports that operators fetch: a file of a form, and a manifest that says what it is, signed.

``publish`` puts both in place at once: the manifest names the file, and is what readers look at.  The former file stays
for those who are fetching it.  What is in the file is the command's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from directory_service.errors import NotFound, RegistryUnavailable

FORMS: Final = {"ldif": "text/x-ldif", "ndjson": "application/x-ndjson", "csv": "text/csv", "mssante": "text/plain"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What is signed of a file.  ``build`` and ``cursor`` are those of before the first line: the file holds all that
    was public then, and may hold what came while it was written; ``/v1/changes?since=cursor`` gives what came after."""

    format: str
    build: str
    cursor: str
    at: str  # instant
    size: int  # octets
    sha256: str

    def payload(self) -> bytes:
        """JSON as RFC 8785 writes it."""
        return orjson.dumps({**asdict(self), "v": 1}, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Published:
    file: Path
    said: Exported
    jws: str


def write_export(path: Path, lines: Iterable[str]) -> tuple[int, int, str]:
    """Lines, octets and digest of the file, which appears under its name when it is complete."""
    partial, digest, size, number = path.with_name(path.name + ".partial"), sha256(), 0, 0
    try:
        with partial.open("wb") as stream:
            for line in lines:
                number += 1
                octets = line.encode()
                stream.write(octets)
                digest.update(octets)
                size += len(octets)
        partial.replace(path)
    except BaseException:  # half of it is no use, and may be what fills the disk
        partial.unlink(missing_ok=True)
        raise
    return number, size, digest.hexdigest()


def publish(folder: Path, path: Path, said: Exported, sign: Callable[[bytes], str]) -> Published:
    """``path`` is a file of ``folder``, already complete."""
    manifest = folder / f"{said.format}.json"
    before = _file_of(manifest)
    found = Published(path, said, sign(said.payload()))
    draft = manifest.with_name(manifest.name + ".partial")
    draft.write_bytes(orjson.dumps({"file": path.name, "jws": found.jws, **asdict(said)}))
    draft.replace(manifest)
    for old in folder.glob(f"{said.format}-*"):
        if old.name not in (path.name, before):
            old.unlink(missing_ok=True)
    return found


def _file_of(manifest: Path) -> str:
    return str(orjson.loads(manifest.read_bytes())["file"]) if manifest.exists() else ""


def read_published(folder: Path, form: str) -> Published:
    """Raises NotFound while none was published, RegistryUnavailable for a manifest that cannot be read."""
    manifest = folder / f"{form}.json"
    try:
        said: dict[str, Any] = orjson.loads(manifest.read_bytes())
        file, jws = folder / said.pop("file"), said.pop("jws")
        return Published(file, Exported(**said), jws)
    except FileNotFoundError:
        raise NotFound("aucun export n'a été publié dans ce format") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise RegistryUnavailable("l'export publié est illisible") from None
