"""Control characters, which no text of an extract should hold: LDIF, CSV and terminals do not take them well.  PURE.

Tab, CR and LF are the affair of who reads lines, NUL rejects its row.  Those of C1 (U+0080 to U+009F) are letters and
quotes of Windows-1252 that somebody converted as ISO-8859-1: Œ, œ, Ÿ, ’.  What stands instead of any other is a space:
a letter was often meant, and nobody knows which.
"""

from __future__ import annotations

import re
from typing import Final

_CODES: Final = (*range(0x01, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F)  # C0 but those, and DEL
CONTROLS: Final = bytes((0, *_CODES))  # of octets: to be deleted, so that a length tells whether there are any
_C1: Final = range(0x80, 0xA0)
_IN_C1: Final = re.compile("[\x80-\x9f]")
_SPACES: Final = dict.fromkeys((*_CODES, *_C1), " ")
_SPACES_OF_OCTETS: Final = bytes.maketrans(bytes(_CODES), b" " * len(_CODES))
# U+2400 on: control pictures, in their order; NUL as it always was.
_PICTURES: Final = {
    **dict.fromkeys((0, *_C1), "\ufffd"), **{code: chr(0x2400 + code) for code in _CODES}, 0x7F: "\u2421",
}  # fmt: skip


# What was meant by each; five mean nothing.
_MEANT: Final = {code: c for code, c in zip(_C1, bytes(_C1).decode("cp1252", "replace"), strict=True) if c != "\ufffd"}


def has_c1(raw: bytes, text: str) -> bool:
    """``text`` is ``raw`` decoded.  Most rows have no octet that such a character begins with."""
    return b"\xc2" in raw and _IN_C1.search(text) is not None


def from_windows_1252(value: str) -> str:
    """The letters and quotes that were meant."""
    return value.translate(_MEANT)


def without_controls(value: str) -> str:
    """A space for each; nothing for a value that is nothing else."""
    spaced = value.translate(_SPACES)
    return spaced if spaced == value or spaced.strip() else ""


def key_without_controls(key: bytes) -> bytes:
    return key.translate(_SPACES_OF_OCTETS)


def shown(text: str) -> str:
    """As the registry keeps what was written: PostgreSQL takes no NUL, and a terminal obeys the others."""
    return text.translate(_PICTURES)
