"""Address books as strangers' programs write them, and what is given back of them."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart

from directory_service.errors import AnnuaireError, InvalidInput, LimitExceeded
from directory_service.web.portal import sheets
from directory_service.web.portal.columns import book_of
from directory_service.web.portal.downloads import as_csv, as_xlsx, harmless
from directory_service.web.portal.sheets import Sheet, read_file, read_text

ROWS = (("Nom", "Prénom", "E-mail"), ("D'ESSAI", "Zoé", "zoe@exemple.fr"), ("Dupont; dit « L’Œil »", "Jean", ""))


def workbook(*rows: tuple[object, ...], before: bool = False) -> bytes:
    book = Workbook()
    if before:
        book.create_sheet("Vide", 0)
    sheet = book.worksheets[-1]
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def separated(separator: str, encoding: str, rows: tuple[tuple[str, ...], ...] = ROWS) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_is_read_whatever_its_separator_and_encoding(separator: str, encoding: str) -> None:
    assert read_file(separated(separator, encoding)).rows == ROWS


def test_the_line_of_excel_that_names_the_separator_is_believed() -> None:
    assert read_file(b"sep=|\r\nNom|Ville\r\nA;B|Lyon\r\n").rows == (("Nom", "Ville"), ("A;B", "Lyon"))


def test_lines_of_one_column_stay_whole() -> None:
    text = "Zoé D'Essai <zoe@exemple.fr>\nJean Dupont, cardiologue\nMarie\n"
    assert [row for (row,) in read_text(text).rows] == text.splitlines()


def test_xlsx_gives_the_first_sheet_that_holds_anything_and_values_as_text() -> None:
    body = workbook(("Nom", "RPPS", "Depuis"), ("Dupont", 10900000026.0, date(2026, 1, 5)), before=True)
    assert read_file(body).rows == (("Nom", "RPPS", "Depuis"), ("Dupont", "10900000026", "2026-01-05"))


def test_empty_rows_and_columns_are_left_out_and_lines_keep_their_numbers() -> None:
    sheet = read_file(b"Nom;;Ville\n\n ; ;\nDupont;;Lyon\n")
    assert sheet == Sheet((("Nom", "Ville"), ("Dupont", "Lyon")), (1, 4))


def test_control_characters_do_not_come_in() -> None:
    assert read_text('Nom;Ville\nDu\x07pont;"Ly\non"').rows[1] == ("Du pont", "Ly on")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "aucune ligne"),
        (b" ;; \n", "aucune ligne"),
        (workbook(), "aucune ligne"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), ".xls"),
        (b"\x89PNG\r\n\x1a\n\0\0", "ni un fichier CSV"),
        (b"\xef\xbb\xbf <html><table><tr><td>Nom</td></tr></table>", "ni un fichier CSV"),
        (b"BEGIN:VCARD\r\nFN:Jean Dupont\r\nEND:VCARD\r\n", "ni un fichier CSV"),
        (b"PK\x03\x04 nothing", "XLSX est illisible : enregistrez-le à nouveau"),
        (b'Nom;Mail\nA;b\n"C;d\nE;f\n', "guillemet ouvert à la ligne 3 n’est pas refermé"),
        (b'Nom;Mail\n"A;b\n' + b"C;d\n" * 150 + b'"E;f\n', "guillemet ouvert à la ligne 2"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(body: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_file(body)


def test_a_hidden_sheet_comes_after_those_that_are_seen() -> None:
    book = Workbook()
    lists, seen = book.active, book.create_sheet("Carnet")
    lists.append(["liste", "cachée"])
    lists.sheet_state = "hidden"
    seen.append(["Nom", "Prénom"])
    book.active = seen
    body = io.BytesIO()
    book.save(body)
    assert read_file(body.getvalue()).rows == (("Nom", "Prénom"),)


def test_a_workbook_with_a_chart_is_read_and_a_broken_one_refused() -> None:
    book = Workbook()
    book.create_chartsheet("Graphique", 0).add_chart(BarChart())
    book.worksheets[0].append(("Nom", "Ville"))
    whole = io.BytesIO()
    book.save(whole)
    assert read_file(whole.getvalue()).rows == (("Nom", "Ville"),)
    parts = zipfile.ZipFile(whole)
    sheet, rels = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
    for name, body in ((sheet, b"<worksheet><sheetData><row"), (sheet, b""), (sheet, None), (rels, None)):
        broken = io.BytesIO()
        with zipfile.ZipFile(broken, "w") as archive:
            for part in parts.namelist():
                if part != name or body is not None:
                    archive.writestr(part, body if part == name and body is not None else parts.read(part))
        with pytest.raises(InvalidInput, match="XLSX"):
            read_file(broken.getvalue())


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
    with pytest.raises(InvalidInput, match="XLSX"):
        read_file(stream.getvalue())


@pytest.mark.parametrize(
    "body",
    [
        b"a" * (sheets.MOST_OCTETS + 1),
        b"a;b\n" * (sheets.MOST_ROWS + 2),
        b";".join([b"a"] * (sheets.MOST_COLUMNS + 1)),
        b"\n" * (10 * sheets.MOST_ROWS + 1) + b"a",
    ],
)
def test_books_past_the_limits_are_refused(body: bytes) -> None:
    with pytest.raises(LimitExceeded):
        read_file(body)


def test_a_small_archive_that_holds_a_huge_part_is_refused_before_it_is_read() -> None:
    stream = io.BytesIO(workbook(("Nom",)))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/a", "w") as part:
        for _ in range(sheets.MOST_UNPACKED // (1 << 20) + 1):
            part.write(bytes(1 << 20))
    assert len(stream.getvalue()) < sheets.MOST_OCTETS
    with pytest.raises(LimitExceeded, match="décompressé"):
        read_file(stream.getvalue())


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"sep=;\n", workbook(("Nom",))[:900]])
)
def test_any_octets_are_read_or_refused(body: bytes, start: bytes) -> None:
    try:
        sheet = read_file(start + body)
    except AnnuaireError as error:
        assert error.http_status in (400, 422)
    else:
        assert sheet.rows and len({len(row) for row in sheet.rows}) == 1


# -- columns ----------------------------------------------------------------------------------------------------------


def described(text: str) -> list[dict[str, str]]:
    book = book_of(read_text(text))
    return [book.description(row) for row in book.rows]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Nom;Prénom;Ville\nDupont;Jean;Lyon", {"family": "Dupont", "given": "Jean", "town": "Lyon"}),
        (
            "First Name,Last Name,E-mail Address\nJean,Dupont,j@x.fr",
            {"given": "Jean", "family": "Dupont", "address": "j@x.fr"},
        ),
        ("E-mail;Adresse MSSanté\na@x.fr;b@y.fr", {"address": "b@y.fr, a@x.fr"}),
        ("Nom;email 1;email 2\nDupont;a@x.fr;b@y.fr", {"family": "Dupont", "address": "a@x.fr, b@y.fr"}),
        ("Mail perso;BAL 1;BAL 2\na@x.fr;b@y.fr;c@y.fr", {"address": "b@y.fr, c@y.fr, a@x.fr"}),
        ("Dupont;a@x.fr;b@y.fr", {"text": "Dupont", "address": "a@x.fr, b@y.fr"}),
        ("10900000026;j@x.fr", {"identifier": "10900000026", "address": "j@x.fr"}),
        ("Dupont Jean;médecin;69003", {"text": "Dupont Jean médecin", "postcode": "69003"}),
        ("Dupont;04 72 00 00 00", {"text": "Dupont", "phone": "04 72 00 00 00"}),
        ("Jean Dupont <j@x.fr>", {"text": "Jean Dupont <j@x.fr>"}),
    ],
)
def test_columns_are_known_by_their_headings_or_by_what_they_hold(text: str, first: dict[str, str]) -> None:
    assert described(text)[0] == first


def test_no_address_is_cut_in_two() -> None:
    long = f"{'a' * 60}@{'b' * 60}.fr"
    assert described(f"Nom;Mail 1;Mail 2;Mail 3\nDupont;{long};{long}x;c@y.fr")[0]["address"] == f"{long}, c@y.fr"


def test_the_title_of_a_list_stands_above_its_headings() -> None:
    book = book_of(
        read_text("Correspondants;;\nService de cardiologie, 2026;;\n\nNom;Prénom;Ville\nDupont;Jean;Lyon\n")
    )
    assert (book.titles, book.lines, len(book.rows)) == (("Nom", "Prénom", "Ville"), (5,), 1)
    names = book_of(read_text("Martin;\nNom;Prénom\n"))
    assert book_of(read_text("Jean Martin;\nDupont;Lyon\n")).lines == (1, 2) and names.titles == ("Nom", "Prénom")


def test_a_first_line_that_holds_a_trade_is_no_heading() -> None:
    assert len(described("Dupont Jean, médecin, Lyon\nMartin Paul, médecin, Lyon")) == 2


STRANGE = "N°;Qui ?;Téléph. cabinet;E-mail (ou autre);Remarques du secrétariat;Vu le\n"
LINES = "1;Dr Jean Dupont;04 72 00 00 00;j@x.fr;rappeler le soir;31/02/2026\n2;Anne Petit;04 72 00 00 02;a@x.fr;;\n"


def test_headings_that_nobody_knows_are_no_line_and_notes_no_names() -> None:
    """The first row was somebody « unknown », and what was noted hid every name."""
    (first, second) = described(STRANGE + LINES)
    assert first == {"text": "Dr Jean Dupont", "phone": "04 72 00 00 00", "address": "j@x.fr"}
    assert second == {"text": "Anne Petit", "phone": "04 72 00 00 02", "address": "a@x.fr"}
    assert book_of(read_text(STRANGE + LINES)).titles[1] == "Qui ?"
    assert len(described(LINES)) == 2
    assert len(described("3;Luc Roy;04 72 00 00 01;aucune;;\n" + LINES)) == 3  # one of them is a number


# -- giving back ------------------------------------------------------------------------------------------------------


FORMULAS = ["=1+1", "+33 4 72", "-2", "@SUM(A1)", "\tx", "\rx", "=cmd|' /C calc'!A0", "\uff1d1+1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_of_a_csv_is_a_formula(cell: str) -> None:
    (_, (given_back,)) = csv.reader(
        io.StringIO(as_csv(["Nom"], [[cell]]).decode("utf-8-sig"), newline=""), delimiter=";"
    )
    assert given_back == "'" + cell == harmless(cell)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_no_cell_of_a_csv_is_a_formula_to_a_spreadsheet_that_cuts_elsewhere(separator: str) -> None:
    """Excel cuts at commas outside of France, whatever the file has."""
    rows = [
        ["Dupont,=1+1,x", 'dit ",=1+1,"', '"=1+1'],
        ["fin", "=2+2", 'x,"=3+3'],
        ["", ", ", "=4+4"],
        ["a; =5", ",-6"],
    ]
    text = as_csv(["Nom", "=0", "c"], rows).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.strip().startswith(("=", "+", "-", "@"))]


def test_cells_of_an_xlsx_are_text_whatever_they_look_like() -> None:
    book = load_workbook(io.BytesIO(as_xlsx(["Nom"], [[cell.strip()] for cell in FORMULAS])))
    cells = [row[0] for row in book.active.iter_rows(min_row=2)]
    assert [c.data_type for c in cells] == ["s"] * len(FORMULAS)
    assert [c.value for c in cells] == [cell.strip() for cell in FORMULAS]


_text = st.text(st.characters(categories=("L", "N", "P")) | st.just(" "), max_size=12).map(str.strip)
_rows = st.lists(st.tuples(_text, _text), min_size=1, max_size=6).filter(lambda rows: all(any(row) for row in rows))


@given(_rows)
def test_what_is_given_back_reads_as_what_came_in(rows: list[tuple[str, str]]) -> None:
    plain = (("Nom", "Ville"), *rows)
    assert read_file(as_xlsx(plain[0], rows)).rows == plain
    marked = tuple(tuple(map(harmless, row)) for row in plain)
    assert read_file(as_csv(plain[0], rows)).rows == marked
