"""How long a request is, as far as its head tells: whether a thread that takes it would wait for anything more.

Parsing stays gunicorn's.  Whatever is not plain here is said to be read by a thread, which then refuses it or not.
"""

from __future__ import annotations

import re
from typing import Final

# Octets of a body that the loop collects: every question and search, a screen of a clean-up page, a multiget of some
# hundred cards.  Lists, files and books are longer.
SMALL: Final = 64 * 1024
LONGEST_HEAD: Final = 16 * 1024  # octets; a longer one is read on by a thread
MORE: Final = 0  # not yet to be told
BY_THREAD: Final = -1

_FIRST_LINE: Final = re.compile(rb"(?:\r\n)?[^\r\n]+ HTTP/1\.[0-9]\r\n")
_FIELDS: Final = re.compile(
    rb"\r\n(?:content-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)|(?:content-length|transfer-encoding|expect):)", re.I
)


def request_length(octets: bytes | bytearray) -> int:
    """Octets of the request that begins so, its body too; ``MORE`` or ``BY_THREAD``."""
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        first = octets.find(b"\n", 2 if octets.startswith(b"\r\n") else 0)
        wrong = first >= 0 and not _FIRST_LINE.match(octets)
        return BY_THREAD if wrong or len(octets) >= LONGEST_HEAD else MORE
    fields = _FIELDS.findall(octets, 0, end + 2)
    if not fields:
        return end + 4
    if len(fields) > 1 or not fields[0] or int(fields[0]) > SMALL:
        return BY_THREAD
    return end + 4 + int(fields[0])
