"""Somebody's address book, from the octets of a file or from a pasted text, as rows of text.  PURE.

Takes CSV as programs write it here (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252; Excel's ``sep=`` line) and
XLSX, whose first sheet that holds anything is read.  A file is bounded before it is opened: size, rows, columns, and
for XLSX what its parts unpack to, since a small archive may hold a huge one.  Which column holds what is ``columns``'s
affair.  No message repeats what the file holds.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Final

from directory_service.errors import InvalidInput, LimitExceeded
from directory_service.model.numbers import grouped
from directory_service.web.portal.workbooks import TooManyTags, read_sheets

MOST_OCTETS: Final = 4 * 1024 * 1024
MOST_ROWS: Final = 5_000  # a hospital's directory; a national list goes by the API
MOST_COLUMNS: Final = 100  # Outlook writes 92
MOST_UNPACKED: Final = 32 * 1024 * 1024  # octets of all parts of an XLSX: 5,000 full rows of 92 columns take 20
LONGEST_CELL: Final = 1_000  # characters: notes are longer, and are cut
# Tags of one part: an element costs more memory than its octets, in a row of a million cells above all.  5,000 rows of
# 20 cells have 0.4 million; what is no sheet and no table of texts has few.
MOST_TAGS: Final = 500_000
_FEW_TAGS: Final = 20_000
MOST_PARTS: Final = 2_000  # a sheet each, and what belongs to it; images count
_DOCTYPE: Final = b"<!DOCTYPE"  # no spreadsheet writes one; entities, which multiply what is unpacked, live there
_LONG_PARTS: Final = ("xl/worksheets/", "xl/sharedStrings")
_SEPARATORS: Final = ";\t,|"
_END: Final = "\0"  # after the last line; ``_separated`` leaves none in a text
_TALLEST: Final = 100  # lines of one record: postal addresses and notes have some
_LOOKED_AT: Final = 50  # records that say which separator it is
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_OTHERS: Final = ("<!doctype", "<html", "<table", "<?xml", "%pdf-", "{\\rtf", "begin:vcard")  # text, but no table
_FILE: Final = "fichier"
_NEITHER: Final = "ce n’est ni un fichier CSV ni un fichier XLSX : enregistrez-le dans l’un de ces formats"
# What a broken workbook raises (ValueError: what its parts hold), and one that is encrypted.
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError, ValueError,
)  # fmt: skip
_UNREAD: Final = "ce classeur XLSX est illisible : enregistrez-le à nouveau, en .xlsx ou en .csv"
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as OPC has it; others ask for as much memory as they say


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of one width, without those that hold nothing; ``lines`` are their numbers in the file, from 1."""

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0]) if self.rows else 0


def read_file(body: bytes) -> Sheet:
    """Raises InvalidInput for what is neither CSV nor XLSX, or holds nothing; LimitExceeded past the limits."""
    if len(body) > MOST_OCTETS:
        raise LimitExceeded(f"le fichier dépasse {MOST_OCTETS >> 20} Mo : découpez-le", where=_FILE)
    if body.startswith(_OLD_EXCEL):
        raise _refused("ancien format Excel (.xls), ou fichier protégé : enregistrez-le en .xlsx ou en .csv")
    if body.startswith(b"PK\x03\x04"):
        return _sheet(_workbook(body))
    text = _decoded(body)
    if text.lstrip("\ufeff \t\r\n")[:20].lower().startswith(_OTHERS):
        raise _refused(_NEITHER)
    return _sheet(_separated(text))


def read_text(text: str) -> Sheet:
    """What was pasted: from a spreadsheet (tabs), a CSV, or one contact a line."""
    return _sheet(_separated(text))


def _sheet(records: Iterator[tuple[int, list[str]]]) -> Sheet:
    kept = [(line, [_cell(c) for c in row]) for line, row in records if any(c.strip() for c in row)]
    if not kept:
        raise _refused("il ne contient aucune ligne")
    width = max(len(row) for _, row in kept)
    rows = tuple((*row, *[""] * (width - len(row))) for _, row in kept)
    used = [i for i in range(width) if any(row[i] for row in rows)]
    return Sheet(tuple(tuple(row[i] for i in used) for row in rows), tuple(line for line, _ in kept))


def _cell(text: str) -> str:
    """On one line, without what no keyboard types."""
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST_CELL]).strip()


def _bounded(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Raises LimitExceeded past the limits; empty rows count tenfold less."""
    full = 0
    for number, row in rows:
        full += any(row)
        if full > MOST_ROWS + 1 or number > 10 * MOST_ROWS:  # the header is one
            raise LimitExceeded(f"le carnet dépasse {grouped(MOST_ROWS)} lignes : découpez-le", where=_FILE)
        if len(row) > MOST_COLUMNS:
            raise LimitExceeded(
                f"le carnet dépasse {MOST_COLUMNS} colonnes : gardez celles qui sont utiles", where=_FILE
            )
        yield number, row


# --- CSV -------------------------------------------------------------------------------------------------------------


def _decoded(body: bytes) -> str:
    """Windows-1252 where it is no Unicode: Outlook's in France; its few unused octets become replacement marks."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    if b"\0" in body:
        raise _refused(_NEITHER)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _separated(text: str) -> Iterator[tuple[int, list[str]]]:
    text = text.removeprefix("\ufeff").replace("\0", "")
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return _bounded(enumerate(_records(rest, first.strip()[4]), 1))
    return _bounded(enumerate(_records(text, _separator(text)), 1))


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """Raises InvalidInput where a quotation mark swallows what follows: to the end, or more lines than a cell has."""
    reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=separator)
    before = 0
    try:
        for record in reader:
            if reader.line_num - before > _TALLEST or (record != [_END] and record and _END in record[-1]):
                where = f"le guillemet ouvert à la ligne {grouped(before + 1)} n’est pas refermé"
                raise _refused(f"{where} : corrigez cette ligne, ou enregistrez le fichier à nouveau")
            before = reader.line_num
            if record != [_END]:
                yield record
    except csv.Error:
        raise _refused("le fichier CSV est illisible (guillemets mal fermés ?)") from None


def _separator(text: str) -> str:
    """The one that cuts most of the first records into as many pieces, two at least; of several, into more."""
    return max(_SEPARATORS, key=lambda separator: _regularity(text, separator))


def _regularity(text: str, separator: str) -> tuple[int, int]:
    try:
        widths = [len(r) for r in islice(_records(text, separator), _LOOKED_AT) if any(r)]
    except InvalidInput:
        return 0, 0
    cut = [w for w in widths if w > 1]
    if 2 * len(cut) <= len(widths):
        return 0, 0
    usual = max(set(cut), key=cut.count)
    return cut.count(usual), usual


# --- XLSX ------------------------------------------------------------------------------------------------------------


def _workbook(body: bytes) -> Iterator[tuple[int, list[str]]]:
    """The first sheet that holds anything, row by row, values only; nothing is computed."""
    _weigh(body)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for rows in read_sheets(archive, LONGEST_CELL, MOST_TAGS):
                found = [*_bounded(rows)]
                if any(any(row) for _, row in found):
                    return iter(found)
    except TooManyTags:
        raise LimitExceeded("le classeur est trop grand une fois décompressé", where=_FILE) from None
    except _UNREADABLE:
        raise _refused(_UNREAD) from None
    return iter(())


def _weigh(body: bytes) -> None:
    """Raises LimitExceeded for a bomb, by what is really in it and not by what it says."""
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if len(archive.infolist()) > MOST_PARTS:
                raise LimitExceeded(
                    "le classeur est trop complexe : copiez la feuille utile dans un nouveau classeur", where=_FILE
                )
            for part in archive.infolist():
                if part.compress_type not in _PACKED:
                    raise _refused(_UNREAD)
                with archive.open(part) as stream:
                    left -= _weight(stream, left, MOST_TAGS if part.filename.startswith(_LONG_PARTS) else _FEW_TAGS)
    except _UNREADABLE:
        raise _refused(_UNREAD) from None


def _weight(stream: IO[bytes], octets: int, tags: int) -> int:
    """What a part unpacks to, as far as it is read.  Raises LimitExceeded, and InvalidInput for a document type."""
    read, end = 0, b""
    while piece := stream.read(1 << 16):
        read += len(piece)
        tags -= piece.count(b"<")
        end = end[-len(_DOCTYPE) :] + piece.replace(b"\0", b"")  # in UTF-16 too
        if _DOCTYPE in end:
            raise _refused(_UNREAD)
        if read > octets or tags < 0:
            raise LimitExceeded("le classeur est trop grand une fois décompressé", where=_FILE)
    return read


def _refused(why: str) -> InvalidInput:
    return InvalidInput(why, where=_FILE)
