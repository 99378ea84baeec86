"""Control characters, which no text of an extract should hold: LDIF, CSV and terminals do not take them well.  PURE.

Tab, CR and LF are the affair of who reads lines, NUL rejects its row.  What stands there instead is a space: a letter
was often meant, and nobody knows which.
"""

from __future__ import annotations

from typing import Final

_CODES: Final = (*range(0x01, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F)  # C0 but those, and DEL
CONTROLS: Final = bytes((0, *_CODES))  # of octets: to be deleted, so that a length tells whether there are any
_SPACES: Final = dict.fromkeys(_CODES, " ")
_SPACES_OF_OCTETS: Final = bytes.maketrans(bytes(_CODES), b" " * len(_CODES))
# U+2400 on: control pictures, in their order; NUL as it always was.
_PICTURES: Final = {0: "\ufffd", **{code: chr(0x2400 + code) for code in _CODES}, 0x7F: "\u2421"}


def without_controls(value: str) -> str:
    """A space for each; nothing for a value that is nothing else."""
    spaced = value.translate(_SPACES)
    return spaced if spaced == value or spaced.strip() else ""


def key_without_controls(key: bytes) -> bytes:
    return key.translate(_SPACES_OF_OCTETS)


def shown(text: str) -> str:
    """As the registry keeps what was written: PostgreSQL takes no NUL, and a terminal obeys the others."""
    return text.translate(_PICTURES)
