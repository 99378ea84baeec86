"""May this certificate be published for this mailbox?  Everything that is looked at when one comes in.

The checks are a table, in the order in which a person would put a certificate right; the first that fails is told.
Chain, signatures, key sizes and algorithms of the whole chain are ``cryptography``'s verifier's (RFC 5280 6, CA/Browser
profile) with a policy of our own for the end certificate, which has no host name (RFC 8550).  Nothing is fetched:
anchors, intermediates and revocation lists are files, and intermediates may come with the certificate.
No message holds an address or a name.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final, Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from directory_service.errors import AnnuaireError, InvalidInput, unread
from directory_service.model.certificates import ENCRYPTION, SIGNATURE, MailCertificate
from directory_service.model.mailboxes import lowered
from directory_service.pem import pem_files
from directory_service.registry.clock import format_instant
from directory_service.trust.certificates import is_pem, read_lists

Certificate = x509.Certificate  # for callers whose room does not know the package
T = TypeVar("T", bound=x509.ExtensionType)
_RSA_BITS, _EC_BITS = 2048, 256
_CHAIN: Final = 4  # intermediates at most between a certificate and its anchor
MOST_OCTETS: Final = 64 * 1024  # of one upload: a certificate with a long chain takes 10 KiB


class CertificateRefused(AnnuaireError):
    """A certificate that reads and may not be published; ``where`` is the check that it failed."""

    http_status: ClassVar[int] = 422
    exit_code: ClassVar[int] = 3
    slug: ClassVar[str] = "certificate-refused"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose certificate it must be: the address, and, of a structure's own mailboxes (ORG, APP), the national numbers
    (*idNat_Struct*) of the structures that hold it."""

    address: str
    structures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MailTrust:
    """What certificates are held against.  ``lists`` is None where revocation is not looked at."""

    anchors: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    lists: tuple[x509.CertificateRevocationList, ...] | None = None

    @classmethod
    def read(cls, anchors: str, lists: str) -> Self:
        """From PEM files, or folders of them (``pem``); empty for none.  Of the certificates, those that signed
        themselves are anchors and the others intermediates.  Raises InvalidInput."""
        found = [c for data in _files(anchors) for c in _certificates(data)]
        roots = tuple(c for c in found if c.issuer == c.subject)
        others = tuple(c for c in found if c.issuer != c.subject)
        revoked = tuple(crl for data in _files(lists) for crl in _lists(data)) if lists else None
        for crl in revoked or ():
            _require_signed(crl, found)
        return cls(roots, others, revoked)

    def revoked(self) -> frozenset[tuple[str, str]]:
        """Issuer and serial, as ``MailCertificate`` writes them, of all that the lists name."""
        named = ((crl.issuer.rfc4514_string(), crl) for crl in self.lists or ())  # once each: lists are long
        return frozenset((issuer, f"{revoked.serial_number:x}") for issuer, crl in named for revoked in crl)


def read_upload(data: bytes) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """The certificates of an upload (one in DER, or PEM with as many as one likes), and the authorities that came with
    them to complete the chain.  Raises InvalidInput, also where there are authorities only."""
    if len(data) > MOST_OCTETS:
        raise InvalidInput(f"au plus {MOST_OCTETS} octets", where="corps")
    found = _certificates(data)
    ends = [c for c in found if not _is_authority(c)]
    if not ends:
        raise InvalidInput("il n'y a là que des certificats d'autorités", where="corps")
    return ends, [c for c in found if _is_authority(c)]


def vet(found: x509.Certificate, trust: MailTrust, now: datetime, given: Sequence[x509.Certificate] = ()) -> None:
    """All that needs no owner: what takes time, to be done before the registry is held.  ``given``: authorities that
    came with it.  Raises CertificateRefused, or InvalidInput for what does not read."""
    with _read():
        for name, test in _CHECKS:
            if why := test(found, now):
                raise CertificateRefused(why, where=name)
        _require_unrevoked(_chain(found, trust, now, given), trust, now)


def owned(found: x509.Certificate, owner: Owner) -> MailCertificate:
    """A certificate that was vetted, if it is its owner's, to be published for it.  Raises as ``vet``."""
    with _read():
        if why := _name(found, owner):
            raise CertificateRefused(why, where="titulaire")
        return _value(found)


@contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except AnnuaireError:
        raise
    except Exception:  # of the parser, which reads each part when it is asked for, and whose kinds are many
        raise InvalidInput("certificat illisible : une de ses parties est mal formée") from None


# --- what it says of itself ------------------------------------------------------------------------------------------


def _version(found: x509.Certificate, _now: datetime) -> str:
    return "" if found.version is x509.Version.v3 else "un certificat X.509 de version 3 est attendu"


def _period(found: x509.Certificate, now: datetime) -> str:
    if now < found.not_valid_before_utc:
        return "ce certificat n'est pas encore valable"
    return "" if now < found.not_valid_after_utc else "ce certificat est périmé"


def _key(found: x509.Certificate, _now: datetime) -> str:
    key = found.public_key()
    strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS
    strong = strong or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _EC_BITS)
    return "" if strong else f"une clé RSA de {_RSA_BITS} bits ou plus, ou une courbe de {_EC_BITS} bits, est attendue"


def _name(found: x509.Certificate, owner: Owner) -> str:
    """RFC 8550 3: the addresses are in subjectAltName, or, as older ones do, in the subject."""
    held = _addresses(found)
    if held:
        return "" if lowered(owner.address) in held else "ce certificat a été émis pour une autre adresse"
    if not owner.structures:
        return "ce certificat ne porte aucune adresse de messagerie"
    known = {str(a.value) for oid in _STRUCTURE_NAMES for a in found.subject.get_attributes_for_oid(oid)}
    return "" if known & owner.structures else "ce certificat ne nomme ni l'adresse ni la structure"


_STRUCTURE_NAMES: Final = (NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER)


def _addresses(found: x509.Certificate) -> set[str]:
    names = _extension(found, x509.SubjectAlternativeName)
    held = names.get_values_for_type(x509.RFC822Name) if names else []
    held += [str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return {lowered(address) for address in held}


def _use(found: x509.Certificate, _now: datetime) -> str:
    """RFC 8550 4.4.2 and 4.4.4."""
    extended = _extension(found, x509.ExtendedKeyUsage)
    allowed = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if extended is not None and not set(allowed) & set(extended):
        return "ce certificat n'est pas fait pour la messagerie (emailProtection)"
    return "" if _uses(found) else "la clé de ce certificat ne sert ni à signer ni à chiffrer"


def _uses(found: x509.Certificate) -> tuple[str, ...]:
    usage = _extension(found, x509.KeyUsage)
    if usage is None:
        return (SIGNATURE, ENCRYPTION)
    signs = usage.digital_signature or usage.content_commitment
    encrypts = usage.key_encipherment or usage.key_agreement
    return tuple(name for name, held in ((SIGNATURE, signs), (ENCRYPTION, encrypts)) if held)


_CHECKS: Final[tuple[tuple[str, Callable[[x509.Certificate, datetime], str]], ...]] = (
    ("version", _version),
    ("validité", _period),
    ("clé", _key),
    ("usage", _use),
)


def _extension(found: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return found.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_authority(found: x509.Certificate) -> bool:
    try:
        basic = _extension(found, x509.BasicConstraints)
    except Exception:
        return False  # ``check`` says that it does not read
    return basic is not None and basic.ca


def _value(found: x509.Certificate) -> MailCertificate:
    der = found.public_bytes(Encoding.DER)
    return MailCertificate(
        sha256=hashlib.sha256(der).hexdigest(),
        der=der,
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        serial=f"{found.serial_number:x}",
        not_before=format_instant(found.not_valid_before_utc),
        not_after=format_instant(found.not_valid_after_utc),
        uses=_uses(found),
    )


# --- what others say of it -------------------------------------------------------------------------------------------


def _chain(
    found: x509.Certificate, trust: MailTrust, now: datetime, given: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The certificate, its authorities, and the anchor."""
    if not trust.anchors:
        raise CertificateRefused("aucune autorité n'est configurée (réglage smime_anchors)", where="chaîne")
    policy = PolicyBuilder().store(Store(list(trust.anchors))).time(now.astimezone(UTC).replace(tzinfo=None))
    policy = policy.max_chain_depth(_CHAIN).extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    )
    try:
        return list(policy.build_client_verifier().verify(found, [*given, *trust.intermediates]).chain)
    except VerificationError:  # its text quotes names
        message = "aucune chaîne valable ne mène de ce certificat à une autorité configurée"
        raise CertificateRefused(message, where="chaîne") from None


def _require_unrevoked(chain: Sequence[x509.Certificate], trust: MailTrust, now: datetime) -> None:
    """None of the chain is on a list of its issuer; the certificate itself has a list that is signed and in date."""
    if trust.lists is None:
        return
    for place, (found, issuer) in enumerate(itertools.pairwise(chain)):
        lists = [crl for crl in trust.lists if crl.issuer == issuer.subject and _is_signed(crl, issuer)]
        if any(crl.get_revoked_certificate_by_serial_number(found.serial_number) for crl in lists):
            raise CertificateRefused("ce certificat, ou une de ses autorités, est révoqué", where="révocation")
        if place == 0 and not any((crl.next_update_utc or now) > now for crl in lists):
            message = "son autorité n'a pas de liste de révocation valable (réglage smime_crl)"
            raise CertificateRefused(message, where="révocation")


def _is_signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and crl.is_signature_valid(key)


def _require_signed(crl: x509.CertificateRevocationList, known: Iterable[x509.Certificate]) -> None:
    """A list whose authority is configured must be signed by it; that of another is judged where its chain is."""
    issuers = [c for c in known if c.subject == crl.issuer]
    if issuers and not any(_is_signed(crl, issuer) for issuer in issuers):
        raise InvalidInput("une liste de révocation n'est pas signée par son autorité", where="réglage smime_crl")


# --- files -----------------------------------------------------------------------------------------------------------


def trust_of(anchors: str, lists: str) -> MailTrust:
    """``MailTrust.read``, of files that are read again when one of them changes.  Raises InvalidInput."""
    return _trust(anchors, lists, tuple(_stamps(anchors) + _stamps(lists)))


@lru_cache(maxsize=4)
def _trust(anchors: str, lists: str, _stamps: tuple[object, ...]) -> MailTrust:
    return MailTrust.read(anchors, lists)


def _stamps(path: str) -> list[object]:
    try:
        return [(str(p), (found := p.stat()).st_mtime_ns, found.st_size, found.st_ino) for p in _paths(path)]
    except OSError:
        return [None]  # and ``read`` says why


def _paths(path: str) -> list[Path]:
    return pem_files(Path(path)) if path else []


def _files(path: str) -> list[bytes]:
    try:
        return [p.read_bytes() for p in _paths(path)]
    except OSError as error:
        raise InvalidInput(unread(error), where="smime_anchors, smime_crl") from None


def _certificates(data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data) if is_pem(data) else [x509.load_der_x509_certificate(data)]
    except Exception:  # of the parser, whose kinds are many; nothing else runs here
        raise InvalidInput("certificat illisible : ni DER, ni PEM") from None


def _lists(data: bytes) -> list[x509.CertificateRevocationList]:
    try:
        if not is_pem(data):
            return [x509.load_der_x509_crl(data)]
        return read_lists(data)
    except Exception:  # as above
        raise InvalidInput("liste de révocation illisible : ni DER, ni PEM") from None
