"""The server's side of TLS: its context, made from files, and made again when they change.

TLS 1.2 and 1.3 only, ephemeral keys and authenticated ciphers only.  A client's certificate is asked for where
authorities are named: none is fine, a bad one ends the handshake.  Sessions are resumed by tickets that only the
worker which sealed them can open; for another worker, or after a new context, the handshake is a full one.
A new context holds for new connections; those there are go on with theirs.  Which operator a certificate names is
``trust.certificates``' business; octets are that of ``ldap.server.stream``, and of gunicorn for HTTPS.
"""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from directory_service.errors import InvalidInput, unread
from directory_service.trust.certificates import NO_REVOCATION, Revocations

log = logging.getLogger(__name__)
# Forward secrecy and authenticated encryption: what every client since 2014 has; keys of 112 bits of strength at least.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
_OLDEST: Final = 12 * 3600.0  # seconds of one context: the key that seals its tickets is no older
Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; empty: the key is with the certificate, no client certificates, no revocation lists."""

    certificate: str
    key: str = ""
    client_ca: str = ""
    crl: str = ""


class Tls:
    """``context`` is for the next connection.  Raises InvalidInput where the files cannot be used at first; later, the
    last that could be are kept."""

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self.context: ssl.SSLContext
        self.revocations = NO_REVOCATION
        self._signature = self._seen = _signature(files)
        self._made = self._looked = 0.0
        self._make(self._signature)

    def look_at_times(self, every: float) -> None:
        """``look``, when the last one is so many seconds ago: for who is called at each connection."""
        if time.monotonic() - self._looked >= every:
            self._looked = time.monotonic()
            self.look()

    def look(self) -> bool:
        """Takes the files again if they have changed; tells whether it did.  May take as long as reading them."""
        signature = _signature(self.files)
        if signature == self._signature and time.monotonic() - self._made < _OLDEST:
            return False
        try:
            self._make(signature)
        except InvalidInput as error:
            if signature != self._seen:  # said once, though tried until it works: files are replaced one by one
                log.error("certificats TLS inchangés : %s", error)
            self._seen = signature
            return False
        log.warning("certificats TLS relus")
        return True

    def _make(self, signature: Signature) -> None:
        try:
            for path in filter(None, astuple(self.files)):  # OpenSSL does not say which file it could not open
                Path(path).open("rb").close()
            revocations = Revocations(Path(self.files.crl).read_bytes()) if self.files.crl else NO_REVOCATION
            self.context = _context(self.files)
        except ssl.SSLError as error:
            raise InvalidInput(f"certificat, clé ou autorité inutilisable ({error.reason})", where="TLS") from None
        except OSError as error:
            raise InvalidInput(unread(error), where="TLS") from None
        self.revocations, self._signature, self._seen, self._made = revocations, signature, signature, time.monotonic()


class RevocationFile:
    """The revocation lists of one PEM file, read again when it changes; an empty path has none.  For certificates that
    somebody else verified.  Raises InvalidInput where the file cannot be read at first; later, the last lists are
    kept."""

    def __init__(self, path: str, every: float) -> None:
        self._path, self._every = path, every
        self._stamp = self._seen = _stamp(path) if path else None
        self._lists, self._looked = self._read(), time.monotonic()

    def current(self) -> Revocations:
        """Thread-safe: two threads may both read the file."""
        now = time.monotonic()
        if self._path and now - self._looked >= self._every:
            self._looked, stamp = now, _stamp(self._path)
            if stamp != self._stamp:
                try:
                    self._lists, self._stamp = self._read(), stamp
                except InvalidInput as error:
                    if stamp != self._seen:  # said once, though tried until it works
                        log.error("liste de révocation inchangée : %s", error)
                self._seen = stamp
        return self._lists

    def _read(self) -> Revocations:
        try:
            return Revocations(Path(self._path).read_bytes()) if self._path else NO_REVOCATION
        except OSError as error:
            raise InvalidInput(unread(error), where="TLS") from None


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers(_CIPHERS)
    context.num_tickets = 1  # address books open one connection after the other
    context.load_cert_chain(files.certificate, files.key or None, password=_no_passphrase)
    if files.client_ca:
        context.load_verify_locations(files.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    if files.crl:
        context.load_verify_locations(files.crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def _no_passphrase() -> str:
    """Nobody is there to type it; OpenSSL would ask the terminal."""
    raise InvalidInput("la clé privée est protégée par un mot de passe", where="TLS")


def _signature(files: TlsFiles) -> Signature:
    return tuple(_stamp(path) for path in astuple(files) if path)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
