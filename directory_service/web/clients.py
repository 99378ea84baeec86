"""The client certificate of an HTTP request, and the operator it speaks for.

It comes from the request's own TLS, or from a proxy that ended the client's TLS, verified the certificate and passes it
on in ``Client-Cert`` (RFC 9440), or in nginx's form of it.  Whose it is, ``trust.certificates`` says by the table that
LDAP's SASL EXTERNAL uses.  What is shown and not accepted is refused, never taken for nothing.
"""

from __future__ import annotations

import binascii
import re
import ssl
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from directory_service.errors import Forbidden
from directory_service.model.networks import NO_NETWORK, Networks
from directory_service.tls import RevocationFile, Tls, TlsFiles
from directory_service.trust.access import BadCredentials
from directory_service.trust.certificates import NO_REVOCATION, Certificates, Revocations

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings

_HEADER: Final = "HTTP_CLIENT_CERT"
_LONGEST: Final = 16 * 1024  # characters; gunicorn takes 8 KiB of one header
# One certificate and nothing else: of two headers, which servers join by a comma, the client wrote one.
_PEM: Final = re.compile(r"-----BEGIN%20CERTIFICATE-----[A-Za-z0-9+/=%]+-----END%20CERTIFICATE-----(?:%0D)?(?:%0A)?")
_NAMES: Final = ("certificate", "key", "client_ca")

Environ = Mapping[str, Any]


def tls_files(settings: Settings) -> TlsFiles:
    """Those of the HTTPS port: its own, or LDAP's."""
    prefix = "http" if settings.http_tls_certificate else "ldap"
    certificate, key, client_ca = (getattr(settings, f"{prefix}_tls_{name}") for name in _NAMES)
    return TlsFiles(certificate, key, client_ca, _lists(settings, prefix))


def _lists(settings: Settings, prefix: str = "ldap") -> str:
    """A list of its own serves HTTP whoever ends the TLS."""
    return settings.http_tls_crl or str(getattr(settings, f"{prefix}_tls_crl"))


class Clients:
    """``operator_of`` names the operator of a request's certificate.  Thread-safe."""

    def __init__(
        self, directory: Directory, proxies: Networks = NO_NETWORK,
        revocations: Callable[[], Revocations] = lambda: NO_REVOCATION,
    ) -> None:  # fmt: skip
        self._certificates = Certificates(directory)
        self._revocations = revocations
        self.proxies = proxies

    def operator_of(self, environ: Environ) -> str:
        """Empty where no certificate is shown.  Raises BadCredentials for one that is nobody's, out of date or revoked,
        Forbidden for a header that is not to be believed, or the certificate of a suspended operator."""
        shown = self._certificate(environ)
        return self._certificates.operator_of(shown, time.time(), self._revocations()) if shown else ""

    def _certificate(self, environ: Environ) -> bytes:
        passed = environ.get(_HEADER)
        if passed is not None:
            if environ.get("REMOTE_ADDR", "") not in self.proxies:
                raise Forbidden("ce pair ne peut présenter le certificat d'un autre (réglage trusted_proxies)")
            return read_header(passed)
        peer = environ.get("gunicorn.socket")
        return (peer.getpeercert(binary_form=True) or b"") if isinstance(peer, ssl.SSLSocket) else b""


def clients_of(directory: Directory, settings: Settings, tls: Tls | None = None) -> Clients:
    """``tls`` is that of the process; without it, certificates can only come from proxies."""
    if tls is not None:
        return Clients(directory, settings.trusted_proxies, lambda: _newest(tls, settings.ldap_certificate_check))
    if not settings.trusted_proxies.held:
        return Clients(directory)
    lists = RevocationFile(_lists(settings), settings.ldap_certificate_check)
    return Clients(directory, settings.trusted_proxies, lists.current)


def _newest(tls: Tls, every: float) -> Revocations:
    """Looked for at requests too: on a connection that is kept, no handshake may come for hours."""
    tls.look_at_times(every)
    return tls.revocations


def read_header(value: str) -> bytes:
    """The certificate of a ``Client-Cert``: base64 of DER between colons (RFC 9440 2.1, RFC 8941 3.3.5), as HAProxy and
    Caddy write it, or PEM with percent escapes, as nginx does (``$ssl_client_escaped_cert``).  Raises BadCredentials.
    """
    text = value.strip()
    try:
        if len(text) > _LONGEST:
            raise ValueError
        if _PEM.fullmatch(text):
            return unquote_to_bytes(text)
        if len(text) < 3 or text[0] != ":" or text[-1] != ":":
            raise ValueError
        return b64decode(text[1:-1], validate=True)
    except (ValueError, binascii.Error):
        raise BadCredentials("l'en-tête Client-Cert est illisible") from None
