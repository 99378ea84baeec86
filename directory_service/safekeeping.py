"""What goes wrong by itself one day: keys that others can read, certificates and revocation lists that end.

Each check is of ``doctor``'s kind: settings to what it saw, or an error that says what is wrong.  Files are read, never
made: a folder of keys that is empty stays so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from directory_service.errors import RegistryUnavailable
from directory_service.pem import pem_files
from directory_service.settings import Settings

SOON: Final = timedelta(days=14)  # ACME renews thirty days before the end: who comes as near has not renewed
_OURS: Final = ("ldap_tls_certificate", "http_tls_certificate", "signing_certificate")  # ours first, then its chain
_OTHERS: Final = ("trust_anchors", "smime_anchors", "ldap_tls_client_ca", "http_tls_client_ca")
_LISTS: Final = ("smime_crl", "ldap_tls_crl", "http_tls_crl")
_CRL: Final = re.compile(b"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----\n?", re.DOTALL)


def keys_are_private(settings: Settings) -> str:
    """Keys that sign receipts and heads: nobody but their owner; private keys of certificates: a group may."""
    folder = settings.keys_folder
    found = sorted(folder.glob("*.json"))
    open_ones = [str(path) for path in found if path.stat().st_mode & 0o077]
    if found and folder.stat().st_mode & 0o022:
        open_ones.append(str(folder))
    held = {name: getattr(settings, name.replace("certificate", "key")) or getattr(settings, name) for name in _OURS}
    private = [Path(path) for path in dict.fromkeys(held.values()) if path]
    open_ones += [str(path) for path in private if path.stat().st_mode & 0o007]
    if open_ones:
        raise RegistryUnavailable(f"clés ouvertes à d'autres comptes : {', '.join(open_ones)} (chmod go-rwx)")
    signing = f"{_counted(len(found), 'clé')} de signature dans {folder}" if found else "aucune clé de signature encore"
    return f"{signing}, {_counted(len(private), 'clé')} de certificat"


def certificates_last(settings: Settings, now: datetime | None = None) -> str:
    """Of ours, the certificate itself; of authorities, each that has not ended: new ones may stand beside old."""
    now, ends = now or datetime.now(UTC), {}
    for setting in (*_OURS, *_OTHERS):
        path = str(getattr(settings, setting))
        if not path:
            continue
        found = [c.not_valid_after_utc for c in _certificates(setting, path)]
        dates = found[:1] if setting in _OURS else [end for end in found if end > now] or found
        ends[setting] = min(dates)
    late = [f"{setting} le {end:%d/%m/%Y}" for setting, end in ends.items() if end < now + SOON]
    if late:
        raise RegistryUnavailable(f"certificats expirés, ou près d'expirer : {', '.join(late)}")
    return _first("certificats", ends)


def lists_last(settings: Settings, now: datetime | None = None) -> str:
    """Revocation lists past their date: certificates that they should vouch for are refused."""
    now, ends = now or datetime.now(UTC), {}
    for setting in _LISTS:
        path = str(getattr(settings, setting))
        dates = [crl.next_update_utc for crl in _lists(setting, path)] if path else []
        if known := [date for date in dates if date]:
            ends[setting] = min(known)
    late = [f"{setting} le {end:%d/%m/%Y}" for setting, end in ends.items() if end < now]
    if late:
        raise RegistryUnavailable(f"listes de révocation à renouveler : {', '.join(late)}")
    return _first("listes", ends)


def signer_is_named(settings: Settings) -> str:
    """An authority vouches for whomever it gave a certificate to: of those, the one that signs white lists is to be
    named, or its own certificate to be the anchor."""
    if not settings.trust_anchors:
        return "aucune liste blanche n'est acceptée (réglage trust_anchors)"
    if settings.trust_signer:
        return "un seul signataire (réglage trust_signer)"
    if any(_is_authority(c) for c in _certificates("trust_anchors", settings.trust_anchors)):
        raise RegistryUnavailable(
            "tout certificat émis par les autorités de trust_anchors peut signer une liste blanche : nommez le "
            "signataire (réglage trust_signer)"
        )
    return "le certificat du signataire sert d'ancre (réglage trust_anchors)"


def _is_authority(found: x509.Certificate) -> bool:
    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return found.version is x509.Version.v1  # which has no extension to say so


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def _first(what: str, ends: dict[str, datetime]) -> str:
    if not ends:
        return f"pas de {what}"
    setting = min(ends, key=lambda name: ends[name])
    return f"{_counted(len(ends), 'réglage')}, première échéance : {setting} le {ends[setting]:%d/%m/%Y}"


def _certificates(setting: str, path: str) -> Sequence[x509.Certificate]:
    try:
        found = [c for file in pem_files(Path(path)) for c in x509.load_pem_x509_certificates(file.read_bytes())]
    except ValueError:
        found = []
    if not found:
        raise RegistryUnavailable(f"aucun certificat lisible (réglage {setting})")
    return found


def _lists(setting: str, path: str) -> list[x509.CertificateRevocationList]:
    try:
        texts = [text for file in pem_files(Path(path)) for text in _CRL.findall(file.read_bytes())]
        found = [x509.load_pem_x509_crl(text) for text in texts]
    except ValueError:
        found = []
    if not found:
        raise RegistryUnavailable(f"aucune liste de révocation lisible (réglage {setting})")
    return found
