"""The rows of an extract with their line numbers, those of a record together (``groups``).

They are bytes, so that a record that has not changed is never decoded.  Files with ``|`` have no quoting: a row is
``line.split("|")``.  Files with ``;`` may be quoted: pandas reads them, in chunks.  Memory does not depend on the size
of the file.

HOT PATH (``groups``): 1,000,000 rows/s of 410 bytes, one process; bench: ``python -m bench load``; the slow twin is in
tests/unit/test_extract.py.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from directory_service.errors import ImportRefused, RegistryUnavailable
from importers.extract import BLOCK, SEPARATOR, ExtractFile, opened

if TYPE_CHECKING:  # half a second to load, for quoted files only
    import pandas

_PART = 64 << 20  # rows that are not grouped by key are grouped by parts of about this size
_CHUNK = 50_000
_AHEAD = 3  # lines: pandas looks at two before it begins

Numbered = tuple[int, bytes]


def rows(extract: ExtractFile, encoding: str, advance: Callable[[int], None] = lambda _: None) -> Iterator[Numbered]:
    """Line number and bytes of every data row, its values joined by ``extract.value_separator``, in UTF-8."""
    return _unquoted(extract, encoding, advance) if extract.quoted else _lines(extract, advance)


def _lines(extract: ExtractFile, advance: Callable[[int], None]) -> Iterator[Numbered]:
    with opened(extract.path, extract.member) as stream:
        read = len(stream.readline())
        number = 1
        while block := stream.readlines(BLOCK):
            for line in block:
                number += 1
                yield number, line
            read = sum(map(len, block))
            advance(read)


def _unquoted(extract: ExtractFile, encoding: str, advance: Callable[[int], None]) -> Iterator[Numbered]:
    """A row of a quoted file.  A row with too many or too few values keeps its own number of values."""
    import pandas

    number = 2
    with opened(extract.path, extract.member) as stream:
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
        except (pandas.errors.ParserError, csv.Error) as error:
            message = f"guillemet jamais refermé après la ligne {number}"
            raise ImportRefused(message, where=extract.name) from error


def _chunks(extract: ExtractFile, stream: IO[bytes], encoding: str) -> Iterator[pandas.DataFrame]:
    """pandas' Python engine, since its C engine makes a missing value and an empty one the same."""
    import pandas

    width = extract.match.width + 2  # enough to see that a row has too many values
    text = _Led(stream, encoding=encoding, newline="")
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
        yield next(reader)[_AHEAD:]
        yield from reader
    text.detach()


class _Led(io.TextIOWrapper):
    """A text behind lines of ours: of a quote that is never closed, pandas says nothing in the first rows that it
    reads, and ends there, which would make a file of nothing."""

    ahead = _AHEAD

    def __next__(self) -> str:  # type: ignore[override]  # as of ``TextIOWrapper`` itself
        if self.ahead:
            self.ahead -= 1
            return "0\r\n"
        return super().__next__()


def groups(
    extract: ExtractFile, encoding: str, grouped: bool, advance: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[bytes, list[Numbered]]]:
    """The rows of each record together, whatever their order in the file: ``(key, rows)``, each key once.  A row that
    is too short to have a key comes alone, under an empty one."""
    numbered = rows(extract, encoding, advance)
    columns = [extract.match.index(name) for name in extract.match.layout.key]
    if extract.key_is_last:  # no part of the key is a line end
        numbered = ((number, line.rstrip(b"\r\n")) for number, line in numbered)
    if grouped:
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
        if len(parts) < width:  # a blank line, a row cut short: it parts no record, since ``check`` does not see it
            yield b"", [row]
            continue
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
        try:
            with ExitStack() as stack:
                files = [stack.enter_context(p.open("wb", buffering=1 << 16)) for p in paths]
                for row in numbered:
                    files[zlib.crc32(key(row)) % count].write(b"%d " % row[0] + row[1].rstrip(b"\r\n") + b"\n")
        except OSError as error:
            raise RegistryUnavailable(
                "impossible d'écrire dans le dossier temporaire : son disque est-il plein ?"
            ) from error
        for path in paths:
            with path.open("rb") as stream:
                held = [(int(number), line) for number, _, line in (raw.partition(b" ") for raw in stream)]
            yield iter(sorted(held, key=key))
