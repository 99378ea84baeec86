"""Finds the extracts in files, zips and folders, and opens them: each is recognised by its header.

Its rows are read by ``importers.lines``.  Whether a file is whole is for ``importers.check``, what its columns mean for
``importers.rpps`` and its neighbours.
"""

from __future__ import annotations

import codecs
import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from directory_service.errors import ImportRefused, InvalidInput, why_unread
from importers.layouts import find_layout, nothing_recognised, unknown_header
from importers.report import PACKED
from importers.rows import Match

_BOM = codecs.BOM_UTF8
_GZIP = b"\x1f\x8b\x08"
BLOCK = 1 << 20
_FIRST = 64 * 1024  # bytes of the rows that tell whether each ends with a separator: about 150 of them
_HEADER_LIMIT = 64 * 1024  # the longest header known has 1,523 bytes
_MEMBER_LIMIT = 16 << 30  # uncompressed; the national extract is under 1 GB: more is a zip bomb
_PACKED, _SMALL = 200, 64 << 20  # times that a member grows, extracts 5 to 20; below that size it does no harm
_SUFFIXES = {".txt", ".csv", ".xml"}
_UNOPENED = {*PACKED, ".xls", ".xlsx", ".ods"}  # may hold an extract, which is to be told
_XML_HEAD = 4096  # octets in which a document says what it is
_WHITE_LIST = b"ListeBlancheMSSante"  # its root: importers.whitelist
_ENCRYPTED = re.compile("encrypted|password")  # in what zipfile says
SEPARATOR = "\x1f"  # between the values of a quoted row, once it is unquoted


@dataclass(frozen=True, slots=True)
class ExtractFile:
    """One recognised extract: a plain file or a member of a zip."""

    path: Path
    member: str | None
    size: int  # bytes, uncompressed
    match: Match
    separator: str
    state: tuple[int, ...]  # of the file on disk when it was recognised

    @property
    def name(self) -> str:
        return _name_of(self.path, self.member)

    @property
    def quoted(self) -> bool:
        return self.separator == ";"

    @property
    def key_is_last(self) -> bool:
        """Whether the last column is of the key: it has the line's end in it."""
        return max(self.match.index(name) for name in self.match.layout.key) == self.match.width - 1

    @property
    def value_separator(self) -> str:
        """Between the values of the rows that ``lines.rows`` gives."""
        return SEPARATOR if self.quoted else self.separator


@dataclass(frozen=True, slots=True)
class ListFile:
    """A white list of the trusted space (``importers.whitelist``): a plain file or a member of a zip."""

    path: Path
    member: str | None
    size: int

    @property
    def name(self) -> str:
        return _name_of(self.path, self.member)


def _name_of(path: Path, member: str | None) -> str:
    return _shown(f"{path.name}/{member}" if member else path.name)


def _shown(name: str) -> str:
    """As text: what is not UTF-8 in the name of a file, old shares having such, is no text that a registry keeps; what
    a terminal obeys is not for one to show, and anybody may name what is in a zip."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def recognise(path: Path) -> tuple[list[ExtractFile | ListFile], list[str]]:
    """The extracts and white lists in a file, zip or folder, and the names of the files left aside because they are of
    another kind.  Raises ImportRefused when nothing is ours, or something is ours but damaged, or the
    system does not let us read it."""
    with readable(path):
        return _recognise(path)


def _recognise(path: Path) -> tuple[list[ExtractFile | ListFile], list[str]]:
    if not path.exists():
        raise InvalidInput("fichier ou dossier introuvable", where=str(path))
    found: list[ExtractFile | ListFile] = []
    ignored = [_shown(p.name) for p in _inside(path) if p.suffix.lower() in _UNOPENED and not _is_of_macos(p.name)]
    for candidate in _candidates(path):
        for member in _members(candidate):
            alone = candidate == path and member is None
            extract = None if _is_of_macos(member or candidate.name) else _recognise_one(candidate, member, alone=alone)
            if extract is None:
                ignored.append(_shown(member or candidate.name))
            else:
                found.append(extract)
    if not found:
        folders = sorted(_shown(p.name) for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
        raise ImportRefused(nothing_recognised(ignored, folders).message, where=path.name)
    return found, ignored


def _is_of_macos(name: str) -> bool:
    """What a Mac keeps beside each file on other disks and in zips (AppleDouble): of the same name, often empty."""
    return Path(name).name.startswith("._")


def _inside(path: Path) -> list[Path]:
    """What a folder holds, in order."""
    return sorted(path.iterdir()) if path.is_dir() else []


def _candidates(path: Path) -> list[Path]:
    if path.is_dir():
        ours = (p for p in _inside(path) if p.suffix.lower() in {*_SUFFIXES, ".zip"})
        return [p for p in ours if p.is_file() or not p.exists()]  # a link that leads nowhere is to be told
    if not path.is_file():
        raise ImportRefused("fichier ordinaire attendu, vu un tube ou un périphérique : il serait lu plusieurs fois",
                            where=path.name)  # fmt: skip
    return [path]


def _members(path: Path) -> list[str | None]:
    """The text members of a zip, and the zips in it, which are told; one None for a plain file."""
    if _is_of_macos(path.name) or not _is_zip(path):
        return [None]
    with _opened_zip(path) as archive:
        ours = {*_SUFFIXES, ".zip"}
        infos = [i for i in archive.infolist() if Path(i.filename).suffix.lower() in ours and not i.is_dir()]
        if len({i.filename for i in infos}) < len(infos):  # only the last of them could be opened
            raise ImportRefused("deux membres du même nom", where=path.name)
        if any(i.file_size > _MEMBER_LIMIT for i in infos):
            raise ImportRefused("membre de plus de 16 Gio", where=path.name)
        if any(i.file_size > max(_SMALL, _PACKED * i.compress_size) for i in infos):
            raise ImportRefused("membre qui grossit de plus de 200 fois : bombe de décompression", where=path.name)
        return [i.filename for i in infos]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix.lower() == ".zip" or stream.read(4) == b"PK\x03\x04"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What the system refuses to read is refused, by its name."""
    try:
        yield
    except OSError as error:
        raise ImportRefused(why_unread(error), where=error.filename or path.name) from error


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip whose damage, wherever it is met, refuses the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except NotImplementedError as error:
        why = "archive zip d'une méthode de compression inconnue : « deflate » est attendu"
        raise ImportRefused(why, where=path.name) from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError) as error:
        # A RuntimeError otherwise is ours; an OSError with a number is the system's, and none of bzip2's.
        if getattr(error, "errno", None) or (type(error) is RuntimeError and not _ENCRYPTED.search(str(error))):
            raise
        raise ImportRefused("archive zip tronquée, abîmée ou chiffrée", where=path.name) from error


@contextmanager
def opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The octets of a file or of a member.  Raises ImportRefused."""
    with readable(path):
        if member is None:
            with path.open("rb", buffering=BLOCK) as stream:
                yield stream
            return
        with _opened_zip(path) as archive, archive.open(member) as raw, io.BufferedReader(raw, BLOCK) as stream:  # type: ignore[type-var]
            yield stream


def _recognise_one(path: Path, member: str | None, *, alone: bool) -> ExtractFile | ListFile | None:
    name = _shown(member or path.name)
    with opened(path, member) as stream:
        head = stream.readline(_HEADER_LIMIT)
        xml = head + stream.read(_XML_HEAD) if head.removeprefix(_BOM).lstrip().startswith(b"<") else b""
    if xml:
        return _recognise_xml(path, member, xml, alone)
    line = _decode_header(head, name)
    try:
        match = find_layout(line)
        if match is None and "\r" in line and find_layout(line.partition("\r")[0]):
            raise ImportRefused("fins de ligne LF ou CRLF attendues, vu CR seul")
    except ImportRefused as refusal:
        raise ImportRefused(refusal.message, where=name) from None
    if match is None:
        if not alone:
            return None
        raise ImportRefused(unknown_header(line).message, where=name)
    separator = "|" if line.count("|") > line.count(";") else ";"
    state = _state(path)
    match = match.fitted(_first_rows(path, member, separator))
    return ExtractFile(path, member, _size(path, member), match, separator, state)


def _first_rows(path: Path, member: str | None, separator: str) -> list[list[str]]:
    """As far as ``_FIRST`` bytes go; of the last one, which they may cut, nothing is said."""
    with opened(path, member) as stream:
        stream.readline(_HEADER_LIMIT)
        lines = stream.read(_FIRST).decode("latin-1").split("\n")[:-1]  # no more than separators and quotes is read
    plain = [line.rstrip("\r") for line in lines]
    if separator != ";":
        return [line.split(separator) for line in plain]
    with suppress(csv.Error):  # told when it is read
        return list(csv.reader(plain, delimiter=separator))
    return []


def _recognise_xml(path: Path, member: str | None, head: bytes, alone: bool) -> ListFile | None:
    if _WHITE_LIST in head:
        return ListFile(path, member, _size(path, member))
    if alone:
        raise ImportRefused("document XML inattendu : une liste blanche (ListeBlancheMSSante) est attendue",
                            where=member or path.name)  # fmt: skip
    return None


def _size(path: Path, member: str | None) -> int:
    if member is None:
        return path.stat().st_size
    with _opened_zip(path) as archive:
        return archive.getinfo(member).file_size


def _state(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def refuse_if_changed(extract: ExtractFile) -> None:
    """Raises ImportRefused where the file was written or replaced since it was recognised: what was checked, and what
    was read, may not be the same."""
    with readable(extract.path):
        if _state(extract.path) != extract.state:
            why = "le fichier a changé pendant qu'il était lu : son téléchargement est-il fini ?"
            raise ImportRefused(why, where=extract.name)


def _decode_header(head: bytes, name: str) -> str:
    if not head.strip():
        raise ImportRefused("fichier vide", where=name)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImportRefused(
            "encodage UTF-8 attendu, vu UTF-16 : un tableur a-t-il enregistré le fichier ? Reprenez l'original",
            where=name,
        )
    if head.startswith(_GZIP):
        raise ImportRefused("fichier compressé par gzip : le texte, ou un zip, est attendu", where=name)
    try:
        return head.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return head.decode("iso-8859-1").rstrip("\r\n")
