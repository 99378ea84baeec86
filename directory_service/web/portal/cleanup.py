"""``/nettoyage``: an address book comes in, each of its lines goes out with what the directory knows of it.

The book is read in memory and forgotten with the answer: pages carry it along, so that a download or a correction of
its columns sends it again.  With scripts, a page starts empty and asks for its lines some at a time; without, it comes
whole.  Posts change nothing and are nobody's (see ``verifying``): no token is needed against other sites' forms.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Response, render_template, request
from werkzeug.formparser import FormDataParser

from directory_service.errors import InvalidInput, LimitExceeded
from directory_service.matching import check_lines
from directory_service.matching.columns import SEVERAL
from directory_service.web.answers import json_answer, uncached
from directory_service.web.bodies import expect_type, read_body
from directory_service.web.context import directory, patient_domain
from directory_service.web.limiting import counted, numbered, spending, take_lines
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import parse_object
from directory_service.web.portal.advice import ADDED, SAYS, Line
from directory_service.web.portal.base import blueprint, dressed, html, page
from directory_service.web.portal.columns import FIELDS, Book, book_of
from directory_service.web.portal.downloads import CSV_TYPE, XLSX_TYPE, as_csv, as_xlsx
from directory_service.web.portal.sheets import LONGEST_CELL, MOST_COLUMNS, MOST_OCTETS, MOST_ROWS, read_file, read_text

_BODY: Final = 4 * MOST_OCTETS  # octets: a book as JSON, escaped in a form
_MOST_FIELDS: Final = 4 * MOST_COLUMNS
_MOST_LINES: Final = 1 << 31  # of a file, empty ones too
_GROUP: Final = 100  # lines that a script may ask for at a time
_AT_ONCE: Final = 30  # lines that need no progress bar
_LONGEST_HEAD: Final = 4096  # octets of a part's headers: the name of its field, and of a file
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_MADE: Final = {"csv": (as_csv, CSV_TYPE), "xlsx": (as_xlsx, XLSX_TYPE)}
_BOOK: Final = "carnet"
Fields = Mapping[str, str]


@blueprint.get("/nettoyage", strict_slashes=False)
def cleaning() -> Response:
    return page("cleanup", _limits)


@blueprint.post("/nettoyage", strict_slashes=False)
@counted(Rate.BATCH)
def cleaned() -> Response:
    try:
        given, file = _form()
        book = _columns_of(_book(given[_BOOK]), given) if given.get(_BOOK) else book_of(_sheet(given, file))
    except (InvalidInput, LimitExceeded) as error:
        return html("cleanup", error.http_status, **_limits(), fault=error.message)
    if not book.fields or not book.rows:
        return html("columns", 200, **_of(book), asked=True)
    later = bool(given.get("script")) and len(book.rows) > _AT_ONCE
    lines = [] if later else [*_lines(book)]
    return html("cleaned", **_of(book), lines=lines, sums=_sums(lines), later=later)


@blueprint.post("/nettoyage/lignes")
@counted(Rate.VERIFY)
def cleaned_lines() -> Response:
    """Some lines of a book, for the script of the page."""
    expect_type("application/json")
    lines = [*_lines(_book(read_body(_BODY), _GROUP))]
    rows = render_template("portal/lines.html", lines=lines)
    return uncached(dressed(json_answer(orjson.dumps({"html": rows, "sums": _sums(lines)}))))


@blueprint.post("/nettoyage/carnet.<form>")
@counted(Rate.BATCH)
def downloaded(form: str) -> Response:
    if form not in _MADE:
        raise InvalidInput("un carnet se télécharge en csv ou en xlsx")
    book = _book(_form()[0].get(_BOOK, ""))
    made, kind = _MADE[form]
    body = made([*book.titles, *ADDED], ([*line.cells, *line.added()] for line in _lines(book)))
    response = uncached(dressed(Response(body, content_type=kind)))
    response.headers["Content-Disposition"] = f'attachment; filename="carnet-nettoye.{form}"'
    return response


def _lines(book: Book) -> Iterator[Line]:
    part = take_lines(len(book.rows))
    said = [book.description(row) for row in book.rows]
    answers = check_lines(directory(), said, patient_domain())
    for number, row, described in zip(book.lines, book.rows, said, strict=True):
        with part():
            found = next(answers)
        spending()(numbered(found.told))
        yield Line(number, row, " · ".join(described.values()), found)


def _sums(lines: Sequence[Line]) -> dict[str, int]:
    return Counter(str(line.advice) for line in lines)


def _limits() -> dict[str, Any]:
    return {"rows": MOST_ROWS, "megabytes": MOST_OCTETS >> 20}


def _of(book: Book) -> dict[str, Any]:
    """What every page about a book is made from."""
    written = orjson.dumps(
        {"titles": book.titles, "fields": {str(at): f for at, f in book.fields.items()}, "rows": book.rows,
         "lines": book.lines}
    ).decode()  # fmt: skip
    return {"book": book, "written": written, "fields": FIELDS, "says": SAYS}


# --- what is sent ----------------------------------------------------------------------------------------------------


def _form() -> tuple[dict[str, str], bytes]:
    """The fields, and the file; both stay in memory, where werkzeug would spool a large file to the disk."""
    expect_type(*_FORMS)
    body = read_body(_BODY)
    if request.mimetype == _FORMS[1] and body.count(b"&") > _MOST_FIELDS:  # millions of them would be held at once
        raise LimitExceeded(f"au plus {_MOST_FIELDS} champs")
    if request.mimetype == _FORMS[0]:
        _require_short_heads(body, request.mimetype_params.get("boundary", "").encode())
    parser = FormDataParser(_in_memory, max_form_memory_size=_BODY, max_form_parts=_MOST_FIELDS)
    _, fields, files = parser.parse(io.BytesIO(body), request.mimetype, len(body), request.mimetype_params)
    sent = files.get("fichier")
    return {name: fields[name] for name in fields}, sent.read() if sent else b""


def _require_short_heads(body: bytes, boundary: bytes) -> None:
    """Raises LimitExceeded where what follows a boundary goes on and on: a megabyte of headers takes thirty."""
    places = re.finditer(re.escape(b"--" + boundary), body)
    for count, place in enumerate(places):
        head = body[place.end() : place.end() + _LONGEST_HEAD]
        if count > _MOST_FIELDS or (len(head) == _LONGEST_HEAD and not _BLANK_LINE.search(head)):
            raise LimitExceeded(f"au plus {_MOST_FIELDS} champs, et {_LONGEST_HEAD} octets d'en-têtes pour chacun")


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    return io.BytesIO()


def _sheet(given: Fields, file: bytes) -> Any:
    """Of a file and a pasted text, the file."""
    if file:
        return read_file(file)
    text = given.get("texte", "")
    if not text.strip():
        raise InvalidInput("Choisissez un fichier, ou collez des lignes.")
    if len(text) > MOST_OCTETS:
        raise LimitExceeded(f"le texte dépasse {MOST_OCTETS >> 20} Mo : collez-le en plusieurs fois")
    return read_text(text)


def _columns_of(book: Book, given: Fields) -> Book:
    """With the fields that the person chose for the columns, where she did."""
    if not any(name.startswith("colonne-") for name in given):
        return book
    chosen = {at: given.get(f"colonne-{at}", "") for at in range(len(book.titles))}
    fields: dict[int, str] = {}
    for at, field in chosen.items():
        if field in FIELDS and (field in SEVERAL or field not in fields.values()):
            fields[at] = field
    return Book(book.titles, fields, book.rows, book.lines)


def _book(written: str | bytes, most: int = MOST_ROWS) -> Book:
    """A book that came back.  Raises InvalidInput for one that we did not write, LimitExceeded for a long one."""
    try:
        read = parse_object(written if isinstance(written, bytes) else written.encode())
        rows = tuple(map(_texts, read["rows"]))
        fields = {int(at): str(field) for at, field in read["fields"].items()}
        book = Book(_texts(read["titles"]), fields, rows, tuple(map(int, read["lines"])))
    except (InvalidInput, AttributeError, KeyError, TypeError, ValueError):
        raise _unread() from None
    if len(rows) > most:
        raise LimitExceeded(f"au plus {most} lignes")
    if not _is_whole(book):
        raise _unread()
    return book


def _is_whole(book: Book) -> bool:
    width = len(book.titles)
    known = all(0 <= at < width and field in FIELDS for at, field in book.fields.items())
    numbered = len(book.lines) == len(book.rows) and all(0 <= line < _MOST_LINES for line in book.lines)
    return known and numbered and all(len(row) == width for row in book.rows)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_COLUMNS:
        raise TypeError
    if not all(isinstance(text, str) and len(text) <= LONGEST_CELL and text.isprintable() for text in value):
        raise TypeError
    return tuple(value)


def _unread() -> InvalidInput:
    return InvalidInput("le carnet renvoyé est illisible : recommencez avec le fichier")
