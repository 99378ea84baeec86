"""An entry as a line, or lines, of a file: LDIF, CSV.  PURE: text in, text out; writing files is the command's.

Both come from the BER that the LDAP face sends, so that an export cannot say anything else than a search.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from directory_service.entries.wire import decode_attributes, decode_dn

# RFC 2849: SAFE-STRING, and no blank at the end, which editors eat.
_SAFE: Final = re.compile(rb"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")

CSV_COLUMNS: Final = (
    "uid", "displayName", "sn", "givenName", "personalTitle", "title", "asSpecialty", "mail", "asMailboxType",
    "asStatus", "asSince", "asOperator", "asPaperless", "asNationalId", "asRpps", "asAdeli", "asProfessionCode",
    "asSpecialtyCode", "o", "ou", "street", "postalCode", "l", "st", "telephoneNumber", "asStructureId", "asFiness",
    "asSiret",
)  # fmt: skip
_BETWEEN_VALUES: Final = " | "


def ldif(ber: bytes, operational: Mapping[str, str] | None = None) -> str:
    """One record of RFC 2849, its blank line included; ``operational`` adds attributes that the BER does not hold.
    No ``version: 1`` goes before the first: slapadd 2.5 takes it for an entry, and every reader does without."""
    lines = [_ldif_line("dn", decode_dn(ber).encode())]
    lines += [_ldif_line(name, value) for name, values in decode_attributes(ber).items() for value in values]
    lines += [_ldif_line(name, value.encode()) for name, value in (operational or {}).items()]
    return "\n".join(lines) + "\n\n"


def _ldif_line(name: str, value: bytes) -> str:
    if _SAFE.fullmatch(value):
        return f"{name}: {value.decode()}"
    return f"{name}:: {b64encode(value).decode()}"


def csv_header(columns: Sequence[str] = CSV_COLUMNS) -> str:
    return _csv_line(columns)


def csv_row(ber: bytes, columns: Sequence[str] = CSV_COLUMNS) -> str:
    """One line (RFC 4180) of these attributes; several values are separated by `` | ``."""
    attributes = decode_attributes(ber)
    return _csv_line([_BETWEEN_VALUES.join(v.decode() for v in attributes.get(name, ())) for name in columns])


def _csv_line(cells: Sequence[str]) -> str:
    return ",".join(map(_csv_cell, cells)) + "\r\n"


def _csv_cell(text: str) -> str:
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(c in text for c in ',"\r\n') else text
