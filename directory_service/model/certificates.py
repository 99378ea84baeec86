"""S/MIME certificates of mailboxes, as values.  PURE: nothing here reads or verifies one (``trust.smime`` does)."""

from __future__ import annotations

from dataclasses import dataclass

SIGNATURE, ENCRYPTION = "signature", "encryption"
MOST = 10  # of one address: two purposes, a renewal of each, and some room


@dataclass(frozen=True, slots=True)
class MailCertificate:
    """One X.509 certificate.  Instants are UTC text, ``YYYY-MM-DDTHH:MM:SSZ``; ``issuer`` and ``subject`` RFC 4514
    text; ``serial`` hexadecimal; ``uses`` what of SIGNATURE and ENCRYPTION its key is for."""

    sha256: str  # of ``der``, hexadecimal
    der: bytes
    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    uses: tuple[str, ...]
