"""Signed white lists for the tests: an authority, a seal that it issued, and lists written as an attacker would too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from sqlalchemy import Engine

from importers.load import run_import
from importers.report import ImportReport
from importers.whitelist.document import ListEntry, make_list
from importers.whitelist.signature import Seal, sign

DAY = timedelta(days=1)
MIPIH = "CN=mss.mipih.example,OU=318310021300028,O=GIP ESSAI,ST=Haute-Garonne (31),C=FR"
MIPIH_2 = "CN=mss-2.mipih.example,OU=318310021300028,O=GIP ESSAI,ST=Haute-Garonne (31),C=FR"
OVA = 'CN=mss.ova.example,OU=344368557300034,O="ESSAI  SANTE",ST=Bouches-du-Rhône (13),C=FR'


@cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    """The same for each number: RSA keys take a tenth of a second to make."""
    return rsa.generate_private_key(65537, 2048)


def certificate(
    name: str, holder: rsa.RSAPrivateKey, issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None,
    *, lasts: timedelta = DAY, since: timedelta = -DAY, **usage: bool,
) -> x509.Certificate:  # fmt: skip
    """An authority's own, or one that ``issuer`` issues to sign with."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signer = (issuer[0].subject, issuer[1]) if issuer else (subject, holder)
    now = datetime.now(UTC)
    uses = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    uses |= {"key_cert_sign": True, "crl_sign": True} if issuer is None else usage or {"digital_signature": True}
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(holder.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now + since).not_valid_after(now + lasts)
    made = made.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    made = made.add_extension(x509.KeyUsage(**uses), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(holder.public_key()), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    return made.sign(signer, hashes.SHA256())


@cache
def authority(name: str = "Autorite") -> x509.Certificate:
    return certificate(name, key(0))


@cache
def seal(number: int = 1) -> Seal:
    return Seal(key(number), (certificate("Sceau", key(number), (authority(), key(0))),))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def entry(domain: str, subject: str = MIPIH, **told: str) -> ListEntry:
    said = {"description": f"Domaine {domain}", "updated": "2026-01-02T03:04:05Z"} | told
    return ListEntry(domain, subject, **said)


class Lists:
    """A registry fed by lists: ``lists.day(3, entry(…), …)`` imports that of 3 November 2026."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.anchors: Path | None = folder / "ancre.pem"
        self.anchors.write_bytes(pem(authority()))

    def write(
        self, day: int, *entries: ListEntry, by: Seal | None = None, change: Callable[[bytes], bytes] | None = None,
        name: str | None = None,
    ) -> Path:  # fmt: skip
        data = sign(make_list(f"2026-11-{day:02}T06:00:00Z", entries), by or seal())
        path = self.folder / (name or f"liste-{day}.xml")
        path.write_bytes(change(data) if change else data)
        return path

    def day(self, day: int, *entries: ListEntry, name: str | None = None, **how: Any) -> ImportReport:
        return self.load(self.write(day, *entries, name=name), day, **how)

    def load(self, path: Path, day: int, **how: Any) -> ImportReport:
        moment = datetime(2026, 11, day, 8, tzinfo=UTC)
        return run_import(self.engine, [path], actor="tests", as_of=moment, anchors=self.anchors, **how)


def at(day: int) -> str:
    """The instant that the changes of a day bear."""
    return f"2026-11-{day:02}T08:00:00Z"


def many(number: int, subject: str = MIPIH, prefix: str = "d") -> list[ListEntry]:
    return [entry(f"{prefix}{n}.mssante.fr", subject) for n in range(number)]


def under(entries: Iterable[ListEntry], subject: str) -> list[ListEntry]:
    return [replace(e, subject=subject) for e in entries]


def tree(data: bytes) -> etree._Element:
    return etree.fromstring(data)
