"""A batch answered line by line, in order, some lines at a time from one build: a line that does not read is answered
by its problem.  Knows no request: answers go on after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from directory_service.errors import AnnuaireError, RegistryUnavailable
from directory_service.web.problemtypes import problem_body

if TYPE_CHECKING:
    from directory_service.index.directory import Directory


def answered(
    directory: Directory, lines: Sequence[bytes], answer: Callable[[bytes], bytes], group: int
) -> Iterator[bytes]:
    """``answer`` makes the JSON of one line.  ``group``: lines answered from one build; a batch must see changes, and
    sends what it has."""
    left = iter(enumerate(lines, 1))
    while some := list(islice(left, group)):
        try:
            with directory.held():
                yield b"".join([_line(answer, line, number) for number, line in some])
        except RegistryUnavailable as error:  # the index went away meanwhile
            yield b"".join(_problem(error, number) for number, _ in some)


def _line(answer: Callable[[bytes], bytes], line: bytes, number: int) -> bytes:
    try:
        return answer(line) + b"\n"
    except AnnuaireError as error:
        return _problem(error, number)


def _problem(error: AnnuaireError, number: int) -> bytes:
    where = f"ligne {number}" + (f", {error.where}" if error.where else "")
    return problem_body(error.slug, error.http_status, error.message, where) + b"\n"
