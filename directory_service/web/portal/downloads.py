"""A cleaned address book as CSV or XLSX.  PURE.

Cells come from strangers' files and may be formulas: in CSV, which has no types, those that a spreadsheet would compute
start with an apostrophe (OWASP, CSV injection), and so does what would be a cell of its own where commas separate, as
in Excel outside of France; in XLSX they are text by their type.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# At the start of a cell, or of what a separator would make one; full width too, as Excel reads them in Japan.
_COMPUTED: Final = re.compile(r'(^|[,;\t]["\s]*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])')
_WIDTH: Final = 24  # characters of a column


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """With a byte order mark and semicolons, as spreadsheets in France open it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(map(harmless, titles))
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    return _COMPUTED.sub(r"\1'", cell)


def as_xlsx(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Carnet")
    sheet.freeze_panes = "A2"
    for number in range(1, len(titles) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTH

    def cells(row: Sequence[str], font: Font | None = None) -> list[Cell]:
        made = [WriteOnlyCell(sheet, cell) for cell in row]
        for cell in made:
            cell.data_type = "s"
            if font:
                cell.font = font
        return made

    sheet.append(cells(titles, Font(bold=True)))
    for row in rows:
        sheet.append(cells(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
