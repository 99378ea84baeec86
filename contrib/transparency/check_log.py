#!/usr/bin/env python3
"""Checks an exported transparency log, with nothing but Python's standard library and none of our code.

    check_log.py LEAVES JWKS HEAD [HEAD…]

LEAVES is a file of ``annuaire log export``: one leaf a line, its bytes or (``--hashes``) its hash in hexadecimal.  JWKS
are the public keys as they were published, each HEAD a signed tree head, old ones too.  Exit code 0 when every head is
signed by one of the keys and its root is that of the first leaves; 1 otherwise, with the reason.
The format: docs/reference/transparency-log.md.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

# P-256 (FIPS 186-5, SEC 2): y² = x³ - 3x + B over GF(P), generator G of order N.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(one, other):
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(number, point):
    found = None
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def octets(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed(message, signature, key):
    """ES256: ECDSA on P-256 with SHA-256 (RFC 7518 3.4)."""
    point = tuple(int.from_bytes(octets(key[name]), "big") for name in "xy")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    on_curve = (point[1] ** 2 - point[0] ** 3 + 3 * point[0] - B) % P == 0
    if len(signature) != 64 or not (0 < r < N and 0 < s < N and on_curve):
        return False
    digest, inverse = int.from_bytes(hashlib.sha256(message).digest(), "big"), pow(s, -1, N)
    found = add(times(digest * inverse % N, G), times(r * inverse % N, point))
    return found is not None and found[0] % N == r


def read_head(path, keys):
    """Size and root of a head, once its signature is checked."""
    text = Path(path).read_text(encoding="ascii").strip()
    token = json.loads(text)["jws"] if text.startswith("{") else text
    header, payload, signature = token.split(".")
    said = json.loads(octets(header))
    if said["alg"] != "ES256" or said["typ"] != "annuaire-tree-head+jws" or said["kid"] not in keys:
        sys.exit(f"{path}: not a tree head of these keys")
    if not is_signed(f"{header}.{payload}".encode(), octets(signature), keys[said["kid"]]):
        sys.exit(f"{path}: the signature is wrong")
    head = json.loads(octets(payload))
    return head["size"], head["root"]


def leaf_hash(line):
    if line[:1] == b"{":
        return hashlib.sha256(b"\0" + line).digest()
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        sys.exit("a line is neither an event nor a hash")


def roots(path, sizes):
    """The roots of the trees of the first leaves, by their number, for these sizes (RFC 6962 2.1)."""
    found, peaks, number = {0: hashlib.sha256().hexdigest()}, [], 0
    with Path(path).open("rb") as file:
        for line in file:
            digest, place = leaf_hash(line.rstrip(b"\n")), number
            while place & 1:
                digest, place = hashlib.sha256(b"\1" + peaks.pop() + digest).digest(), place >> 1
            peaks.append(digest)
            number += 1
            if number in sizes:
                root = peaks[-1]
                for peak in peaks[-2::-1]:
                    root = hashlib.sha256(b"\1" + peak + root).digest()
                found[number] = root.hex()
    return found, number


def main(leaves, jwks, *heads):
    keys = {key["kid"]: key for key in json.loads(Path(jwks).read_text(encoding="utf-8"))["keys"]}
    signed = {path: read_head(path, keys) for path in heads}
    found, number = roots(leaves, {size for size, _ in signed.values()})
    for path, (size, root) in signed.items():
        if size > number:
            sys.exit(f"{path}: {size} leaves were signed, the file has {number}")
        if found[size] != root:
            sys.exit(f"{path}: the first {size} leaves are not those that were signed")
        print(f"{path}: {size} leaves, root {root}: right")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
