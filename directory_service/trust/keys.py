"""The keys we sign with: receipts and tree heads, as JWS (RFC 7515) by ES256; public halves as a JWKS (RFC 7517).

A key is one file of the keys folder, ``<kid>.json``: a private JWK with the day it was made, readable by its owner
alone; ``kid`` is the RFC 7638 thumbprint of its public half.  The newest key signs; older ones only verify, for as
long as their file stays.  What is signed, and when keys are changed, is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from directory_service.errors import InvalidInput, RegistryUnavailable

ALGORITHM = "ES256"  # what every JOSE library and openssl know
_CURVE = "P-256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    created: str  # instant, UTC text
    jwk: ECKey


class Keyring:
    """The keys of one folder, newest last; read once, so that a process that must see a new key opens it anew."""

    def __init__(self, keys: tuple[SigningKey, ...]) -> None:
        self._keys = keys
        self._by_kid = {key.kid: key for key in keys}

    @classmethod
    def open(cls, folder: Path, *, now: str) -> Self:
        """The keys of ``folder``; makes the first one where there is none.  ``now`` is the instant in UTC text.
        Raises RegistryUnavailable where a file cannot be read or is no key."""
        if not any(folder.glob("*.json")):
            with contextlib.suppress(FileExistsError):  # another process was first
                _write(folder, "first.json", now)
        return cls(tuple(sorted(map(_read, folder.glob("*.json")), key=lambda key: (key.created, key.kid))))

    @property
    def current(self) -> SigningKey:
        return self._keys[-1]

    def sign(self, payload: bytes, typ: str) -> str:
        """Compact JWS of ``payload``; ``typ`` says what it is (RFC 7515 4.1.9, RFC 8725 3.11)."""
        key = self.current
        return jws.serialize_compact({"alg": ALGORITHM, "kid": key.kid, "typ": typ}, payload, key.jwk, [ALGORITHM])

    def check(self, token: str, typ: str) -> bytes:
        """The payload of a JWS that one of our keys signed as ``typ``.  Raises InvalidInput for any other text."""
        try:
            parsed = jws.extract_compact(token.encode("ascii"))
            header = parsed.headers()
            key = self._by_kid.get(str(header.get("kid")))
            if key and header.get("typ") == typ and jws.validate_compact(parsed, key.jwk, [ALGORITHM]):
                return parsed.payload
        except (JoseError, ValueError):
            pass
        raise InvalidInput("cette signature n'est pas de nous, ou le texte a été modifié")

    def jwks(self) -> dict[str, Any]:
        """Public halves of every key, old ones too (RFC 7517 5), the one that signs first."""
        return {"keys": [_public(key) for key in reversed(self._keys)]}


def add_key(folder: Path, *, now: str) -> str:
    """Makes a key that signs from the next opening on, and gives its kid.  Older ones go on verifying."""
    return _write(folder, None, now)


def _write(folder: Path, name: str | None, now: str) -> str:
    """Under ``name``, or under its kid; whole or not at all, and never over another.  Raises FileExistsError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ECKey.generate_key(_CURVE)
    kid = key.thumbprint()
    draft = folder / f".{secrets.token_hex(8)}"
    content = orjson.dumps({**key.as_dict(private=True), "created": now})
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, folder / (name or f"{kid}.json"))
    finally:
        draft.unlink(missing_ok=True)
    return kid


def _read(path: Path) -> SigningKey:
    try:
        said = orjson.loads(path.read_bytes())
        created = str(said.pop("created"))
        key = ECKey.import_key(said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError):
        raise RegistryUnavailable("une clé de signature ne se lit pas", where=str(path)) from None
    return SigningKey(key.thumbprint(), created, key)


def _public(key: SigningKey) -> dict[str, Any]:
    return {**key.jwk.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
