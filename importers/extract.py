"""Opens an extract, recognises it by its header, checks that it is whole, and gives its rows with their line numbers.

Two passes.  The first (``check``) reads bytes only: checksum, UTF-8, last line, number of rows, order of the keys.  The
second gives rows as bytes, one record after another (``groups``), so that an unchanged record is never decoded.  Files
with ``|`` have no quoting: a row is ``line.split("|")``.  Files with ``;`` may be quoted: pandas reads them, in chunks.
Memory does not depend on the size of the file.  What the columns mean is not known here (``importers.rpps``…).

HOT PATH (``check``, ``groups``): on 2 cores, 2.2 M rows of 370 bytes are checked at about 1.0 M rows/s and grouped at
about 1.3 M rows/s; bench: ``python -m bench load``; the slow twin is in tests/unit/test_extract.py.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pandas

from directory_service.errors import ImportRefused, InvalidInput
from importers.layouts import find_layout, unknown_header
from importers.rows import Match, Rejection

__all__ = ["Checked", "ExtractFile", "Rejection", "check", "groups", "recognise", "rows"]

_BOM = codecs.BOM_UTF8
_BLOCK = 1 << 20
_HEADER_LIMIT = 64 * 1024  # the longest header known has 1,523 bytes
_MEMBER_LIMIT = 16 << 30  # uncompressed; the national extract is under 1 GB: more is a zip bomb
_SUFFIXES = {".txt", ".csv"}
_PART = 64 << 20  # rows that are not grouped by key are grouped by parts of about this size
_CHUNK = 50_000
SEPARATOR = "\x1f"  # between the values of a quoted row, once it is unquoted

Numbered = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class ExtractFile:
    """One recognised extract: a plain file or a member of a zip."""

    path: Path
    member: str | None
    size: int  # bytes, uncompressed
    match: Match
    separator: str
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @property
    def quoted(self) -> bool:
        return self.separator == ";"

    @property
    def value_separator(self) -> str:
        """Between the values of the rows that ``rows`` gives."""
        return SEPARATOR if self.quoted else self.separator


@dataclass(slots=True)
class Checked:
    """What the first pass learnt of a whole file."""

    sha256: str = ""
    rows: int = 0
    encoding: str = "utf-8"
    grouped: bool = True  # the rows of a record stand together
    kinds: set[bytes] = field(default_factory=set)  # first byte of the keys: type of identifier


def recognise(path: Path) -> tuple[list[ExtractFile], list[str]]:
    """The extracts in a file, zip or folder, and the names of the files left aside because they are of another kind.
    Raises ImportRefused when nothing is ours, or something is ours but damaged."""
    if not path.exists():
        raise InvalidInput("fichier ou dossier introuvable", where=str(path))
    found: list[ExtractFile] = []
    ignored: list[str] = []
    for candidate in _candidates(path):
        for member in _members(candidate):
            extract = _recognise_one(candidate, member, alone=candidate == path and member is None)
            if extract is None:
                ignored.append(member or candidate.name)
            else:
                found.append(extract)
    if not found:
        raise ImportRefused("aucun extrait reconnu" + (f" (vu : {', '.join(ignored[:5])})" if ignored else ""),
                            where=path.name)  # fmt: skip
    return found, ignored


def _candidates(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in {*_SUFFIXES, ".zip"})


def _members(path: Path) -> list[str | None]:
    """The text members of a zip; one None for a plain file."""
    if not _is_zip(path):
        return [None]
    with _opened_zip(path) as archive:
        infos = [i for i in archive.infolist() if Path(i.filename).suffix.lower() in _SUFFIXES]
        if any(i.file_size > _MEMBER_LIMIT for i in infos):
            raise ImportRefused("membre de plus de 16 Gio", where=path.name)
        return [i.filename for i in infos]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix.lower() == ".zip" or stream.read(4) == b"PK\x03\x04"


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip whose damage, wherever it is met, refuses the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "encrypted" not in str(error) and "password" not in str(error):
            raise
        raise ImportRefused("archive zip tronquée, abîmée ou chiffrée", where=path.name) from error


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    if member is None:
        with path.open("rb", buffering=_BLOCK) as stream:
            yield stream
        return
    with _opened_zip(path) as archive, archive.open(member) as raw, io.BufferedReader(raw, _BLOCK) as stream:  # type: ignore[type-var]
        yield stream


def _recognise_one(path: Path, member: str | None, *, alone: bool) -> ExtractFile | None:
    name = member or path.name
    with _opened(path, member) as stream:
        head = stream.readline(_HEADER_LIMIT)
    line = _decode_header(head, name)
    try:
        match = find_layout(line)
    except ImportRefused as refusal:
        raise ImportRefused(refusal.message, where=name) from None
    if match is None:
        if not alone:
            return None
        raise ImportRefused(unknown_header(line).message, where=name)
    return ExtractFile(path, member, _size(path, member), match, "|" if line.count("|") > line.count(";") else ";")


def _size(path: Path, member: str | None) -> int:
    if member is None:
        return path.stat().st_size
    with _opened_zip(path) as archive:
        return archive.getinfo(member).file_size


def _decode_header(head: bytes, name: str) -> str:
    if not head.strip():
        raise ImportRefused("fichier vide", where=name)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImportRefused("encodage UTF-8 attendu, vu UTF-16", where=name)
    try:
        return head.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return head.decode("iso-8859-1").rstrip("\r\n")


# First pass


def check(extract: ExtractFile, advance: Callable[[int], None] = lambda _: None) -> Checked:
    """Reads the whole file once.  Raises ImportRefused when it is empty, cut short or not in its encoding."""
    scan = _Scan(extract)
    with _opened(extract.path, extract.member) as stream:
        while block := stream.read(_BLOCK):
            scan.feed(block)
            advance(len(block))
    return scan.finish()


class _Scan:
    """The state of the first pass."""

    def __init__(self, extract: ExtractFile) -> None:
        self.extract = extract
        self.result = Checked()
        self.hash = hashlib.sha256()
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.offset = 0  # of the block in hand
        self.invalid: int | None = None  # offset of the first byte that is not UTF-8
        self.lines = 0
        self.rest = b""
        self.last = b""
        self.key = b""
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
        self.result.rows = self.lines - 1
        self.result.sha256 = self.hash.hexdigest()
        return self.result

    def _encoding(self, name: str) -> str:
        if self.invalid is None:
            return "utf-8"
        if self.extract.match.layout.latin1:
            return "iso-8859-1"
        raise ImportRefused("encodage UTF-8 attendu, octet invalide", where=f"{name}, octet {self.invalid}")

    def _width(self, line: bytes) -> int:
        if not self.extract.quoted:
            return line.count(self.extract.separator.encode()) + 1
        text = line.decode("utf-8", "replace").rstrip("\r")
        return len(next(csv.reader([text], delimiter=self.extract.separator), []))


# Second pass


def rows(extract: ExtractFile, encoding: str, advance: Callable[[int], None] = lambda _: None) -> Iterator[Numbered]:
    """Line number and bytes of every data row, its values joined by ``extract.value_separator``, in UTF-8."""
    return _unquoted(extract, encoding, advance) if extract.quoted else _lines(extract, advance)


def _lines(extract: ExtractFile, advance: Callable[[int], None]) -> Iterator[Numbered]:
    with _opened(extract.path, extract.member) as stream:
        read = len(stream.readline())
        number = 1
        while block := stream.readlines(_BLOCK):
            for line in block:
                number += 1
                yield number, line
            read = sum(map(len, block))
            advance(read)


def _unquoted(extract: ExtractFile, encoding: str, advance: Callable[[int], None]) -> Iterator[Numbered]:
    """A row of a quoted file.  A row with too many or too few values keeps its own number of values."""
    number = 2
    with _opened(extract.path, extract.member) as stream:
        stream.readline()
        try:
            for chunk in _chunks(extract, stream, encoding):
                for values in chunk.itertuples(index=False, name=None):
                    held = [v for v in values if isinstance(v, str)]  # None: beyond the end of the row
                    text = SEPARATOR.join(held)
                    if held:
                        yield number, text.replace("\n", " ").replace("\r", " ").encode()
                    number += 1 + text.count("\n")
                advance(extract.size * len(chunk) // max(number, 1))
        except pandas.errors.ParserError as error:
            message = f"guillemet jamais refermé après la ligne {number}"
            raise ImportRefused(message, where=extract.name) from error


def _chunks(extract: ExtractFile, stream: IO[bytes], encoding: str) -> Iterator[pandas.DataFrame]:
    """pandas' Python engine, since its C engine makes a missing value and an empty one the same."""
    width = extract.match.width + 2  # enough to see that a row has too many values
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    reader = pandas.read_csv(
        text,
        sep=extract.separator,
        header=None,
        names=list(range(width)),
        dtype=object,
        keep_default_na=False,
        na_filter=False,
        index_col=False,
        skip_blank_lines=False,
        engine="python",
        on_bad_lines=lambda values: values[:width],
        chunksize=_CHUNK,
    )
    with reader:
        yield from reader
    text.detach()


def groups(
    extract: ExtractFile, checked: Checked, advance: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[bytes, list[Numbered]]]:
    """The rows of each record together, whatever their order in the file: ``(key, rows)``, each key once."""
    numbered = rows(extract, checked.encoding, advance)
    columns = [extract.match.index(name) for name in extract.match.layout.key]
    if checked.grouped:
        yield from _adjacent(numbered, columns, extract.value_separator.encode())
        return
    for part in _parts(numbered, columns, extract):
        yield from _adjacent(part, columns, extract.value_separator.encode())


def _adjacent(
    numbered: Iterator[Numbered], columns: list[int], separator: bytes
) -> Iterator[tuple[bytes, list[Numbered]]]:
    width, first, single = max(columns) + 1, columns[0], len(columns) == 1
    current: bytes | None = None
    held: list[Numbered] = []
    for row in numbered:
        parts = row[1].split(separator, width)
        if len(parts) < width:
            key = b""
        else:
            key = parts[first] if single else b"".join([parts[c] for c in columns])
        if key == current:
            held.append(row)
            continue
        if current is not None:
            yield current, held
        current, held = key, [row]
    if current is not None:
        yield current, held


def _parts(numbered: Iterator[Numbered], columns: list[int], extract: ExtractFile) -> Iterator[Iterator[Numbered]]:
    """Scattered rows: spread over temporary files by a hash of their key, then each sorted in memory."""
    separator, count = extract.value_separator.encode(), extract.size // _PART + 1

    def key(row: Numbered) -> bytes:
        return b"".join([row[1].split(separator, c + 1)[c] for c in columns if row[1].count(separator) >= c])

    with tempfile.TemporaryDirectory(prefix="annuaire-") as folder:
        paths = [Path(folder) / str(n) for n in range(count)]
        files = [p.open("wb", buffering=1 << 16) for p in paths]
        try:
            for row in numbered:
                files[zlib.crc32(key(row)) % count].write(b"%d " % row[0] + row[1].rstrip(b"\r\n") + b"\n")
        finally:
            for file in files:
                file.close()
        for path in paths:
            with path.open("rb") as stream:
                held = [(int(number), line) for number, _, line in (raw.partition(b" ") for raw in stream)]
            yield iter(sorted(held, key=key))
