"""First pass over an extract: is it whole?  Checksum, encoding, last line, number of rows, order of the keys.

Bytes only; nothing is decoded but to see that it can be.  It also tells whether the rows of each record stand together
(``grouped``), which spares the second pass from sorting, and which types of identifiers occur.

HOT PATH: 500,000 rows/s of 410 bytes, one process; bench: ``python -m bench load``; the slow twin is in
tests/unit/test_check.py.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from directory_service.errors import ImportRefused
from importers.extract import ExtractFile, opened

_BLOCK = 1 << 20
_LONGEST = 16 << 20  # bytes of a line: those of extracts have 2,000; each block is put behind what there is of one


@dataclass(slots=True)
class Checked:
    """What the first pass learnt of a whole file."""

    sha256: str = ""
    rows: int = 0
    encoding: str = "utf-8"
    grouped: bool = True  # the rows of a record stand together
    kinds: set[bytes] = field(default_factory=set)  # first byte of the keys: type of identifier


class Look(Protocol):
    """Who looks at the keys instead of us, comparing as it goes (``importers.survey``)."""

    grouped: bool
    kinds: set[bytes]

    def look(self, lines: Iterable[bytes]) -> None: ...
    def close(self) -> None: ...


def check(
    extract: ExtractFile, advance: Callable[[int], None] = lambda _: None, *, block: int = _BLOCK,
    survey: Look | None = None,
) -> Checked:  # fmt: skip
    """Reads the whole file once, ``block`` bytes at a time.  Raises ImportRefused when it is empty, cut short or not in
    its encoding."""
    scan = _Scan(extract, survey)
    with opened(extract.path, extract.member) as stream:
        while read := stream.read(block):
            scan.feed(read)
            advance(len(read))
    return scan.finish()


class _Scan:
    """The state of the first pass."""

    def __init__(self, extract: ExtractFile, survey: Look | None = None) -> None:
        self.extract, self.survey = extract, survey
        self.result = Checked()
        self.hash = hashlib.sha256()
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.offset = 0  # of the block in hand
        self.invalid: int | None = None  # offset of the first byte that is not UTF-8
        self.lines = 0
        self.rest = b""
        self.last = b""
        self.key: bytes | None = None
        self.seen: set[bytes] = set()
        self.columns = [extract.match.index(name) for name in extract.match.layout.key]

    def feed(self, block: bytes) -> None:
        self.hash.update(block)
        if self.invalid is None:
            self._decode(block)
        lines = (self.rest + block).split(b"\n")
        self.rest = lines.pop()
        if self.lines == 0 and lines:
            self.lines = 1
            del lines[0]
        self.lines += len(lines)
        if len(self.rest) > _LONGEST:
            raise ImportRefused("ligne de plus de 16 Mio : ce n'est pas une extraction",
                                where=f"{self.extract.name}, ligne {self.lines + 1}")  # fmt: skip
        if self.survey:
            self.survey.look(lines)
        else:
            self._look_at_keys(lines)
        if lines:
            self.last = lines[-1] if lines[-1].strip() else next((x for x in reversed(lines) if x.strip()), self.last)
        self.offset += len(block)

    def _decode(self, block: bytes, final: bool = False) -> None:
        pending = len(self.decoder.getstate()[0])
        try:
            self.decoder.decode(block, final)
        except UnicodeDecodeError as error:
            self.invalid = self.offset - pending + error.start

    def _look_at_keys(self, lines: list[bytes]) -> None:
        """Whether a key comes back after another one; which types of identifiers there are."""
        separator, columns, width = self.extract.separator.encode(), self.columns, max(self.columns) + 1
        current, seen, kinds = self.key, self.seen, self.result.kinds
        first, single = columns[0], len(columns) == 1
        if self.extract.key_is_last:
            lines = [line.rstrip(b"\r") for line in lines]
        if self.extract.quoted:
            lines = list(map(self._unquoted, lines))
        for line in lines:
            parts = line.split(separator, width)
            if len(parts) < width:
                continue
            key = parts[first] if single else b"".join([parts[c] for c in columns])
            if key == current:
                continue
            if key in seen:
                self.result.grouped = False
            else:
                seen.add(key)
                kinds.add(key.lstrip(b'"')[:1])
            current = key
        self.key = current

    def _unquoted(self, line: bytes) -> bytes:
        """A line of a quoted file, its keys as ``lines.rows`` will give them: one record may be quoted here and not
        there, and a value may hold the separator."""
        separator = self.extract.separator.encode()
        if line.count(separator) + 1 == self.extract.match.width:
            return line.replace(b'"', b"")
        try:
            values = next(csv.reader([line.decode("latin-1")], delimiter=self.extract.separator), [])
        except csv.Error:  # told when it is read
            return line
        return separator.join([value.encode("latin-1").replace(separator, b" ") for value in values])

    def finish(self) -> Checked:
        name = self.extract.name
        if self.invalid is None:
            self._decode(b"", final=True)
        self.result.encoding = self._encoding(name)
        if self.rest.strip():
            where = f"{name}, ligne {self.lines + 1}"
            raise ImportRefused("fichier tronqué : la dernière ligne n'est pas terminée", where=where)
        if not self.last.strip():
            raise ImportRefused("fichier vide : aucune ligne de données", where=name)
        seen, wanted = self._width(self.last), self.extract.match.width
        if seen not in (wanted, wanted + 1, wanted - 1 if not self.extract.match.captions[-1] else wanted):
            raise ImportRefused(f"fichier tronqué : {wanted} colonnes attendues à la dernière ligne, {seen} vues",
                                where=f"{name}, ligne {self.lines}")  # fmt: skip
        if self.survey:
            self.survey.close()
            self.result.grouped, self.result.kinds = self.survey.grouped, self.survey.kinds
        self.result.rows = self.lines - 1
        self.result.sha256 = self.hash.hexdigest()
        return self.result

    def _encoding(self, name: str) -> str:
        if self.invalid is None:
            return "utf-8"
        if self.extract.match.layout.latin1:
            return "iso-8859-1"
        why = "encodage UTF-8 attendu, octet invalide : le fichier a-t-il été ouvert et enregistré par un tableur ?"
        raise ImportRefused(f"{why} Reprenez l'original", where=f"{name}, octet {self.invalid}")

    def _width(self, line: bytes) -> int:
        if not self.extract.quoted:
            return line.count(self.extract.separator.encode()) + 1
        text = line.decode("utf-8", "replace").rstrip("\r")
        try:
            return len(next(csv.reader([text], delimiter=self.extract.separator), []))
        except csv.Error:
            raise ImportRefused("valeur sans fin : un guillemet n'est jamais refermé",
                                where=f"{self.extract.name}, ligne {self.lines}") from None  # fmt: skip
