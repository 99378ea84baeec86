"""The trusted space of the made-up country: a signed white list of the domains of its mailboxes, and its anchor.

Written in a folder of its own, which the import of the sample does not enter: without ``trust_anchors`` a list is
refused.  The key stands below, so that the days of one country have one anchor: it is known to everybody and makes
nothing trustworthy, as its certificate says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from importers.sample.addresses import domain_names
from importers.sample.boxes import COMMON_DOMAINS
from importers.sample.country import Country
from importers.whitelist.document import ListEntry, make_list
from importers.whitelist.signature import Seal, sign

FOLDER, LIST, ANCHOR = "confiance", "liste_blanche.xml", "ancre.pem"
_NAME = "Echantillon annuaire, connu de tous, a ne jamais approuver"
# Made once: to look for two such primes takes longer than to write a small country.
_P = int(
    "bd5b151b7262ec8b36017d7777b7dedf2b3dba2741f09a7e0096390beadb784f"
    "5d0408936afa5da424a9f9036977e37e68e41c3c7940a82254b22887738f2276"
    "81c7f2895b3057e385dfa3449e9cfa322ef89f3401049abb4178ba70595f4a12"
    "efb57cf19dc4d6d5f851f17153c1c80c9cbb9180f5e777f2208b05152c2eeb17",
    16,
)
_Q = int(
    "bd2dbe346f3edb891b03cebc9401f1202b9014ed956fab555092775501c72853"
    "e3b5c0d688456fb713907d9027f04abc67bb0f61b1accf800cad0fdb48e81313"
    "6a6c9c55cdde4504674ea2da15ad395c949d30cddf2aeea3f779a14a7f75b78e"
    "5612978d8551ab082e8ff866dbed1e816d927817962b3a6ab190af004efa7295",
    16,
)
_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
_HOSTS = 12  # operators that hold the domains of others; an institution in nine is its own
_OWN = 9
_UPDATED = "2026-01-05T03:45:00Z"
_TWICE = 7  # one domain in so many stands under two certificates


def write_trust(folder: Path, country: Country, day: date) -> int:
    """The list of ``day`` and the certificate that signs it, in ``folder/confiance``.  Gives the number of entries."""
    entries = list(_entries(country))
    seal = _seal(country.seed)
    into = folder / FOLDER
    into.mkdir(exist_ok=True)
    made = datetime.combine(day, time(6, 6), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (into / LIST).write_bytes(sign(make_list(made, entries), seal))
    (into / ANCHOR).write_bytes(seal.chain[0].public_bytes(Encoding.PEM))
    return len(entries)


def _entries(country: Country) -> Iterator[ListEntry]:
    for number, name in enumerate(domain_names(country)):
        own = number >= len(COMMON_DOMAINS) and number % _OWN == 0
        holders = [(_HOSTS + number if own else number % _HOSTS, 1)]
        if number % _TWICE == 0:
            holders.append(((number + 5) % _HOSTS, 2))
        for operator, machine in holders:
            support = f"assistance@operateur-{operator + 1}.example"
            told = (f"Domaine fictif {number + 1}", "Service de messagerie", support, _UPDATED)
            yield ListEntry(name, _subject(operator, machine), *told)


def _subject(operator: int, machine: int) -> str:
    """No company has the number 000000000, whose premises these are."""
    number = operator + 1
    return f"CN=mss-{machine}.operateur-{number}.example,OU=3{number:014},O=OPERATEUR FICTIF {number},C=FR"


@cache
def _seal(seed: int) -> Seal:
    key = _key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(seed % 2**64 + 1).not_valid_before(_FROM).not_valid_after(_UNTIL)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return Seal(key, (made.sign(key, hashes.SHA256()),))


def _key() -> rsa.RSAPrivateKey:
    exponent = 65537
    d = rsa.rsa_recover_private_exponent(exponent, _P, _Q)
    public = rsa.RSAPublicNumbers(exponent, _P * _Q)
    crt = rsa.rsa_crt_dmp1(d, _P), rsa.rsa_crt_dmq1(d, _Q), rsa.rsa_crt_iqmp(_P, _Q)
    return rsa.RSAPrivateNumbers(_P, _Q, d, *crt, public).private_key()
