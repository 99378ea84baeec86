"""The trusted space of the made-up country: a signed white list of the domains of its mailboxes, and its anchor.

Written in a folder of its own, which the import of the sample does not enter: without ``trust_anchors`` a list is
refused.  The key comes from the seed, so that the days of one country have one anchor, and is therefore known to
everybody: it makes nothing trustworthy, as its certificate says.
"""

from __future__ import annotations

import random
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
_BITS = 2048
_SMALL = [p for p in range(3, 2000, 2) if all(p % d for d in range(3, int(p**0.5) + 1, 2))]
_ROUNDS = 8  # of Miller-Rabin: for random numbers of 1,024 bits, far below one in a million million
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
    key = _key(random.Random(f"annuaire {seed}"))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(seed % 2**64 + 1).not_valid_before(_FROM).not_valid_after(_UNTIL)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return Seal(key, (made.sign(key, hashes.SHA256()),))


def _key(rng: random.Random) -> rsa.RSAPrivateKey:
    exponent = 65537
    p, q = (_prime(rng, exponent) for _ in range(2))
    d = pow(exponent, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def _prime(rng: random.Random, exponent: int) -> int:
    while True:
        found = rng.getrandbits(_BITS // 2) | 3 << _BITS // 2 - 2 | 1  # two high bits: their product has all of its own
        if (found - 1) % exponent and all(found % p for p in _SMALL) and _is_prime(found, rng):
            return found


def _is_prime(number: int, rng: random.Random) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(_ROUNDS):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power not in (1, number - 1) and all(
            (power := power * power % number) != number - 1 for _ in range(twos - 1)
        ):
            return False
    return True
