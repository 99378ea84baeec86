"""Workbooks of strangers: what is read of one, and what one may cost."""

from __future__ import annotations

import io
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from directory_service.errors import InvalidInput, LimitExceeded
from directory_service.web.portal.sheets import LONGEST_CELL, MOST_TAGS, read_file

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
BOOK = f'<workbook {MAIN} xmlns:r="{OFFICE}">{{}}</workbook>'
SHEET, TEXTS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
NAMED = '<row><c t="str"><v>Nom</v></c><c t="str"><v>Ville</v></c></row>'
BLANK = "<row>" + "<c/>" * 99 + "</row>"
SECONDS = 5.0  # that a request may cost, on a machine that is busy


def rows(*cells: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{''.join(cells)}</sheetData></worksheet>"


def listed(times: int, more: str = "") -> str:
    """A workbook that lists its first sheet so often."""
    sheets = "".join(f'<sheet name="{n}" sheetId="{n + 1}" r:id="rId0"/>' for n in range(times))
    return BOOK.format(f"<sheets>{sheets}</sheets>{more}")


def packed(parts: Mapping[str, str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook of one sheet, but for these parts."""
    kinds = {"worksheet": SHEET, "sharedStrings": TEXTS, "styles": STYLES}
    related = "".join(f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="/{path}"/>'
                      for n, (kind, path) in enumerate(kinds.items()) if path == SHEET or path in parts)  # fmt: skip
    root = f'<Relationship Id="a" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    whole = {"_rels/.rels": root, "xl/_rels/workbook.xml.rels": related}
    whole = {name: f"<Relationships>{text}</Relationships>" for name, text in whole.items()}
    whole |= {"xl/workbook.xml": listed(1), SHEET: rows(NAMED), **parts}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, text in whole.items():
            archive.writestr(name, text)
    return made.getvalue()


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- what is read ----------------------------------------------------------------------------------------------------


def test_cells_of_every_kind_are_read_as_text() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    rich = CellRichText("Zoé ", TextBlock(InlineFont(b=True), "D'ESSAI"))
    sheet.append(("Nom", rich, 10900000026, 1.5, True, None, date(2026, 1, 5), datetime(2026, 1, 5, 8, 30), "=1+1"))
    sheet["A3"], sheet["D5"] = "Dupont", timedelta(hours=1)
    sheet["B9"].font = Font(bold=True)
    read = read_file(saved(book))
    assert read.rows[0] == ("Nom", "Zoé D'ESSAI", "10900000026", "1.5", "True", "2026-01-05", "2026-01-05")
    assert [row[0] for row in read.rows] == ["Nom", "Dupont", ""]
    assert read.lines == (1, 3, 5)


def test_cells_without_a_reference_follow_one_another_and_others_stand_where_they_say() -> None:
    cells = '<c t="inlineStr"><is><t>a</t><rPh><t>non</t></rPh></is></c><c r="C4"><v>7</v></c><c><v>8</v></c>'
    read = read_file(packed({SHEET: rows(NAMED, f'<row r="4">{cells}</row>')}))
    assert read.rows == (("Nom", "Ville", "", ""), ("a", "", "7", "8"))
    assert read.lines == (1, 4)


def test_numbers_and_dates_are_read_however_programs_write_them() -> None:
    written = {
        "<c><v>1.0900000026E10</v></c>": "10900000026",
        "<c><v>10900000026.0</v></c>": "10900000026",
        "<c><v>12345678901234567890</v></c>": "12345678901234567890",  # more than floats tell apart
        '<c t="d"><v>2026-01-05T08:30:00</v></c>': "2026-01-05",
        '<c s="1"><v>1</v></c>': "1904-01-02",
        '<c s="2"><v>1</v></c>': "1",
    }
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 30))  # general, a date, one that is not known
    parts = {
        "xl/workbook.xml": listed(1, '<workbookPr date1904="1"/>'),
        STYLES: f"<styleSheet {MAIN}><cellXfs>{styles}</cellXfs></styleSheet>",
        SHEET: rows("<row>", *written, "</row>"),
    }
    assert read_file(packed(parts)).rows == (tuple(written.values()),)


def test_shared_texts_keep_their_numbers_however_they_are_laid_out() -> None:
    """Runs of one text, how it is pronounced, and the line ends of a program that indents."""
    texts = ("<si><r><t>Zoé </t></r>\n<r><t>D'ESSAI</t></r></si>\n<si>\n<t>Lyon</t>\n"
             "<rPh><t>non</t><t>non</t></rPh></si><si><t>69003</t></si>")  # fmt: skip
    cells = "".join(f'<c t="s">\n<v>{number}</v>\n</c>' for number in (2, 0, 1))
    read = read_file(packed({TEXTS: f"<sst {MAIN}>{texts}</sst>", SHEET: rows(f"<row>{cells}</row>")}))
    assert read.rows == (("69003", "Zoé D'ESSAI", "Lyon"),)


def test_the_book_is_found_behind_the_properties_of_the_file() -> None:
    parts = {"core-properties": "docProps/core.xml", "officeDocument": "xl/workbook.xml"}
    related = "".join(f'<Relationship Id="{k}" Type="{OFFICE}/{k}" Target="{path}"/>' for k, path in parts.items())
    packed_so = packed({"_rels/.rels": f"<Relationships>{related}</Relationships>", "docProps/core.xml": "<core/>"})
    assert read_file(packed_so).rows == (("Nom", "Ville"),)


def test_a_cell_that_names_a_text_or_a_number_that_there_is_not_is_refused() -> None:
    for cell in ('<c t="s"><v>3</v></c>', "<c><v>douze</v></c>", '<c s="x"><v>1</v></c>', '<c r="1A"><v>1</v></c>'):
        with pytest.raises(InvalidInput, match="XLSX"):
            read_file(packed({SHEET: rows(f"<row>{cell}</row>")}))


# --- what it costs ---------------------------------------------------------------------------------------------------

AREA = '<definedNames><definedName name="_xlnm.Print_{}" localSheetId="0">{}</definedName></definedNames>'
# Made when they are asked for: tens of megabytes, which every process of the run would make and keep.
COSTLY: dict[str, Callable[[], dict[str, str]]] = {
    "an empty sheet listed a thousand times": lambda: {"xl/workbook.xml": listed(1000), SHEET: rows(BLANK * 4_000)},
    "a last row that is far away, a thousand times": lambda: {
        "xl/workbook.xml": listed(1000),
        SHEET: rows('<row r="49999"/>'),
    },
    "a print area": lambda: {"xl/workbook.xml": listed(1, AREA.format("Area", "A" * 300_000))},
    "rows to repeat": lambda: {"xl/workbook.xml": listed(1, AREA.format("Titles", "'" * 300_000))},
    "a heading": lambda: {
        SHEET: rows(NAMED).replace(
            "</worksheet>", f"<headerFooter><oddHeader>{'&amp;' * 300_000}</oddHeader></headerFooter></worksheet>"
        )
    },
    "a format": lambda: {
        STYLES: f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="200" formatCode="{"[" * 300_000}"/></numFmts>'
        '<cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
    },
    "spaces that a thousand rows share": lambda: {
        SHEET: rows(*["<row>" + '<c t="s"><v>0</v></c>' * 20 + "</row>"] * 1000),
        TEXTS: f"<sst {MAIN}><si><t>{' ' * 20_000_000}</t></si></sst>",
    },
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_short_workbook_costs_no_more_than_a_long_one(name: str) -> None:
    body, began = packed(COSTLY[name]()), time.process_time()
    with suppress(InvalidInput, LimitExceeded):
        read_file(body)
    assert len(body) < 200_000
    assert time.process_time() - began < SECONDS


def test_empty_sheets_are_weighed_together() -> None:
    sheets = {f"xl/worksheets/s{n}.xml": rows(BLANK * (MOST_TAGS // 200)) for n in range(3)}
    related = "".join(f'<Relationship Id="s{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>'
                      for n in range(3))  # fmt: skip
    book = BOOK.format("<sheets>" + "".join(f'<sheet name="{n}" r:id="s{n}"/>' for n in range(3)) + "</sheets>")
    parts = {**sheets, "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": f"<a>{related}</a>"}
    with pytest.raises(LimitExceeded, match="décompressé"):
        read_file(packed(parts))


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_workbook_is_packed_as_workbooks_are(compression: int) -> None:
    """Others ask for as much memory as their header says."""
    with pytest.raises(InvalidInput, match="XLSX"):
        read_file(packed({}, compression))


def test_octets_that_do_not_unpack_are_refused() -> None:
    body = bytearray(packed({SHEET: rows(NAMED * 2000)}))
    at = body.index(SHEET.encode()) + len(SHEET)
    body[at : at + 40] = b"\xff" * 40
    with pytest.raises(InvalidInput, match="XLSX"):
        read_file(bytes(body))


@pytest.mark.parametrize("encoding", ["cp037", "utf-16", "utf-7"])
def test_a_part_in_another_encoding_does_not_hide_what_is_looked_for(encoding: str) -> None:
    """In EBCDIC no octet of a document type, or of a tag, is that of ASCII."""
    head, told = f'<?xml version="1.0" encoding="{encoding}"?>', '<!DOCTYPE x [<!ENTITY a "Dupont">]>'
    text = (told + rows("<row><c t='str'><v>&a;</v></c></row>")).encode(encoding)
    made = io.BytesIO(packed({SHEET: ""}))
    with zipfile.ZipFile(made) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, octets in parts.items():
            archive.writestr(name, head.encode() + text if name == SHEET else octets)
    with pytest.raises(InvalidInput):
        read_file(changed.getvalue())


def test_nothing_of_a_book_is_told_on_standard_error() -> None:
    """The library's warnings quote cells, and journald keeps what is written there."""
    styles = f'<styleSheet {MAIN}><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_file(packed({STYLES: styles, SHEET: rows('<row><c r="A1"><v>33612345678</v></c></row>')}))
    assert read.rows == (("#VALUE!",),)


def test_a_cell_ends_where_cells_end() -> None:
    texts = f"<sst {MAIN}><si><t>{'x' * 5000}</t></si></sst>"
    read = read_file(packed({TEXTS: texts, SHEET: rows('<row><c t="s"><v>0</v></c></row>')}))
    assert read.rows == (("x" * LONGEST_CELL,),)
