"""Which version of vCard a caller wants, and the answer that holds one."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from directory_service.entries.vcard import Version

MIMETYPE: Final = "text/vcard"
_MIMETYPES: Final = (MIMETYPE, "text/x-vcard", "text/directory")


def accepted(otherwise: Version) -> Version:
    """By the ``version`` of ``Accept: text/vcard;version=3.0`` (RFC 6350 10.1); ``otherwise`` where none is said."""
    for said, _ in request.accept_mimetypes:
        kind, *parameters = (part.strip().lower() for part in said.split(";"))
        if kind in _MIMETYPES:
            named = [p.partition("=")[2].strip('"') for p in parameters if p.startswith("version=")]
            known = [v for v in Version if v.value in named]
            if known:
                return known[0]
    return otherwise


def card_answer(card: bytes, version: Version, name: str) -> Response:
    """``name``: of the file that a browser saves."""
    response = Response(card, content_type=f"{MIMETYPE}; charset=utf-8; version={version.value}")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.vcf"'
    return response


def file_name(identifier: str) -> str:
    """An identifier as the name of a file: letters, digits and a few signs."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "@._-") else "-" for c in identifier)[:100]
