"""The cells of an XLSX file, as text.  PURE.

Reads what a table is made of and nothing else: the names of sheets, the texts that cells share, which formats are
dates, the cells.  openpyxl, which writes ours, would read all that there is: its regular expressions take hours over a
long print area or heading, it opens a sheet as often as the workbook lists it, and its warnings quote cells.  Here a
part is read once, by expat and without a tree, as UTF-8 whatever it says of itself (what was looked for in it before
was looked for in its octets).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final
from xml.parsers.expat import ExpatError, ParserCreate

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

if TYPE_CHECKING:
    from datetime import datetime
    from zipfile import ZipFile

_PIECE: Final = 1 << 16  # octets
_LONGEST_FORMAT: Final = 255  # characters: Excel's limit; no longer one is a date
_STYLES: Final = ("cellStyleXfs", "cellXfs", "cellStyles", "dxfs")  # one after the other; cells have those of cellXfs
_UNREADABLE: Final = (ExpatError, LookupError, ValueError, OverflowError)

Row = tuple[int, list[str]]
Attributes = Mapping[str, str]
Tag = tuple[str, Attributes]


class UnreadableWorkbook(ValueError):
    """What is read is no workbook, or a broken one."""


class TooManyTags(ValueError):
    """The sheets that hold nothing are more than anybody leaves empty."""


@dataclass(frozen=True, slots=True)
class _Book:
    """What cells refer to.  ``longest``: characters of a cell."""

    longest: int
    texts: Sequence[str]
    dates: frozenset[int]
    epoch: datetime


_SHOWN: Final = "visible"


def read_sheets(archive: ZipFile, longest: int, most_tags: int) -> Iterator[Iterator[Row]]:
    """The rows of each sheet, numbered from 1, in the order in which the workbook lists them, hidden ones last; cells
    as text of ``longest`` characters at most, formulas by what they last came to.  Raises UnreadableWorkbook, or
    TooManyTags past ``most_tags`` of all sheets that were asked for."""
    try:
        workbook = next((path for kind, path in _related(archive, "").values() if kind == "officeDocument"), "")
        tags = _tags(archive, workbook)
        related = _related(archive, workbook)
        parts = dict(related.values())
        texts = _texts(archive, parts["sharedStrings"], longest) if "sharedStrings" in parts else []
        dates = _dates(_tags(archive, parts["styles"])) if "styles" in parts else frozenset()
        mac = any(tag == "workbookPr" and a.get("date1904") in ("1", "true") for tag, a in tags)
        sheets = sorted((a for tag, a in tags if tag == "sheet"), key=lambda a: a.get("state", _SHOWN) != _SHOWN)
        listed = [related[a["id"]] for a in sheets]
    except _UNREADABLE as error:
        raise UnreadableWorkbook from error
    book = _Book(longest, texts, dates, MAC_EPOCH if mac else WINDOWS_EPOCH)
    for path in dict.fromkeys(path for kind, path in listed if kind == "worksheet"):
        sheet = _Sheet(book, most_tags)
        yield _rows(archive, path, sheet)
        most_tags = sheet.left


def _rows(archive: ZipFile, path: str, sheet: _Sheet) -> Iterator[Row]:
    try:
        for _ in _parsed(archive, path, sheet):
            yield from sheet.taken()
    except TooManyTags:
        raise
    except _UNREADABLE as error:
        raise UnreadableWorkbook from error


# --- parts -----------------------------------------------------------------------------------------------------------


class _Reader:
    """Told of each element of a part by its local name."""

    def start(self, tag: str, attributes: Attributes) -> None: ...

    def text(self, piece: str) -> None: ...

    def end(self, tag: str) -> None: ...


def _parsed(archive: ZipFile, path: str, reader: _Reader) -> Iterator[None]:
    """Tells ``reader`` of a part, piece by piece."""
    parser = ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.start(name.rpartition(" ")[2], attributes)
    parser.EndElementHandler = lambda name: reader.end(name.rpartition(" ")[2])
    parser.CharacterDataHandler = reader.text
    with archive.open(path) as stream:
        while piece := stream.read(_PIECE):
            parser.Parse(piece)
            yield
        parser.Parse(b"", True)
    yield


class _Tags(_Reader):
    def __init__(self) -> None:
        self.found: list[Tag] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        self.found.append((tag, {name.rpartition(" ")[2]: value for name, value in attributes.items()}))


def _tags(archive: ZipFile, path: str) -> list[Tag]:
    reader = _Tags()
    for _ in _parsed(archive, path, reader):
        pass
    return reader.found


def _related(archive: ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """The kind and the path of each part that ``part`` refers to, by the name that it has there."""
    folder, name = posixpath.split(part)
    tags = _tags(archive, posixpath.join(folder, "_rels", f"{name}.rels"))
    related = [a for tag, a in tags if tag == "Relationship"]
    return {a["Id"]: (a["Type"].rpartition("/")[2], _from(folder, a["Target"])) for a in related}


def _from(folder: str, target: str) -> str:
    """As the archive names it; a target that starts with a slash starts there."""
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _dates(tags: Sequence[Tag]) -> frozenset[int]:
    """The styles whose numbers are dates."""
    formats = dict(BUILTIN_FORMATS)
    formats |= {int(a["numFmtId"]): a.get("formatCode", "") for tag, a in tags if tag == "numFmt"}
    within, used = "", []
    for tag, attributes in tags:
        within = tag if tag in _STYLES else within
        if tag == "xf" and within == "cellXfs":
            used.append(formats.get(int(attributes.get("numFmtId", "0"))) or "")
    dates = {form: len(form) <= _LONGEST_FORMAT and is_date_format(form) for form in dict.fromkeys(used)}
    return frozenset(style for style, form in enumerate(used) if dates[form])


# --- texts -----------------------------------------------------------------------------------------------------------


class _Collecting(_Reader):
    """The text of one cell; how it is pronounced (``rPh``) is left out."""

    holders: tuple[str, ...] = ("t",)

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._collects = self._spoken = False
        self._said = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        self._spoken |= tag == "rPh"
        self._collects = tag in self.holders and not self._spoken

    def text(self, piece: str) -> None:
        if self._collects:
            self._said += piece[: self._longest - len(self._said)]

    def end(self, tag: str) -> None:
        self._collects = False
        self._spoken &= tag != "rPh"

    def collected(self) -> str:
        said, self._said = self._said, ""
        return said


class _Shared(_Collecting):
    """The texts that cells name by their number."""

    def __init__(self, longest: int) -> None:
        super().__init__(longest)
        self.texts: list[str] = []

    def end(self, tag: str) -> None:
        super().end(tag)
        if tag == "si":
            self.texts.append(self.collected().replace("x005F_", ""))


def _texts(archive: ZipFile, path: str, longest: int) -> list[str]:
    reader = _Shared(longest)
    for _ in _parsed(archive, path, reader):
        pass
    return reader.texts


# --- cells -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Place:
    """Where in a sheet the parser is; cells that hold nothing are not kept."""

    row: int = 0
    column: int = 0
    kind: str = "n"
    style: int = 0
    cells: dict[int, str] = field(default_factory=dict)


class _Sheet(_Collecting):
    holders = ("v", "t")

    def __init__(self, book: _Book, left: int) -> None:
        super().__init__(book.longest)
        self.left = left
        self._book, self._at = book, _Place()
        self._whole: list[tuple[int, dict[int, str]]] = []

    def taken(self) -> Iterator[Row]:
        """The rows since it was asked last."""
        whole, self._whole = self._whole, []
        for number, cells in whole:
            yield number, [cells.get(column, "") for column in range(1, max(cells, default=0) + 1)]

    def start(self, tag: str, attributes: Attributes) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooManyTags
        super().start(tag, attributes)
        at = self._at
        if tag == "c":
            letters = attributes.get("r", "").rstrip("0123456789")
            at.column = column_index_from_string(letters) if letters else at.column + 1
            at.kind, at.style = attributes.get("t", "n"), int(attributes.get("s", "0"))
            self.collected()
        elif tag == "row":
            self._at = _Place(max(at.row + 1, int(attributes.get("r", "0"))))

    def end(self, tag: str) -> None:
        super().end(tag)
        at = self._at
        if tag == "c":
            if value := _value(self.collected(), at.kind, at.style, self._book):
                at.cells[at.column] = value
        elif tag == "row":
            self._whole.append((at.row, at.cells))


def _value(said: str, kind: str, style: int, book: _Book) -> str:
    if not said or kind in ("str", "inlineStr", "e"):
        return said
    if kind == "s":
        return book.texts[int(said)]
    if kind == "b":
        return str(bool(int(said)))
    return said[:10] if kind == "d" else _number(said, style in book.dates, book.epoch)


def _number(said: str, is_date: bool, epoch: datetime) -> str:
    """A number of eleven digits is one, however it is kept; a date is its day."""
    number = float(said) if any(c in said for c in ".eE") else int(said)
    if is_date:
        try:
            day = from_excel(number, epoch)
        except (OverflowError, ValueError):
            return "#VALUE!"
        return day.isoformat()[:10] if isinstance(day, date) else str(day)
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)
