"""The keys we sign with: receipts and tree heads, as JWS (RFC 7515) by ES256; public halves as a JWKS (RFC 7517).

A key is one file of the keys folder, ``<kid>.json``: a private JWK with the instant from which it signs, readable by
its owner alone; ``kid`` is the RFC 7638 thumbprint of its public half.  The newest key signs; older ones only verify,
for as long as their file stays, and so do those whose time has not come: they are published before anything is signed
by them.  An empty folder is given its first key, but not where heads were signed already: there, it was not mounted.
What is signed, and when keys are changed, is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from directory_service.errors import InvalidInput, RegistryUnavailable, why_unwritten
from directory_service.registry.clock import format_instant

ALGORITHM = "ES256"  # what every JOSE library and openssl know
_CURVE = "P-256"
_LOOK, _ANEW = 1.0, 60.0  # seconds
_AWAY = "les clés qui ont signé le journal de transparence sont absentes"
_PUT_BACK = "remettez-les dans {} (dossier non monté ?) ; perdues, `annuaire keys rotate` en crée une autre"


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    created: str  # instant from which it signs, UTC text
    jwk: ECKey
    file: str = ""  # its name


class Keyring:
    """The keys of one folder, newest last; read once, so that a process that must see a new key opens it anew, or has a
    ``Keys`` do so."""

    def __init__(self, keys: tuple[SigningKey, ...], now: str = "") -> None:
        """``now``: the instant in UTC text; "" for a set of public keys, where none signs."""
        self.keys = keys
        self._by_kid = {key.kid: key for key in keys}
        self._signing = next((key for key in reversed(keys) if key.created <= now), keys[0] if keys else None)

    @classmethod
    def open(cls, folder: Path, *, now: str, registry: str = "") -> Self:
        """The keys of ``folder``; makes the first one where there is none.  ``now`` is the instant in UTC text,
        ``registry`` the URL of the one whose log they sign.  Raises RegistryUnavailable where a file cannot be read or
        is no key, and where there is none though that log was signed."""
        if not any(folder.glob("*.json")):
            if keys_are_away(folder, registry):
                raise RegistryUnavailable(_AWAY, hint=_PUT_BACK.format(folder))
            with contextlib.suppress(FileExistsError):  # another process was first
                _write(folder, "first.json", now)
        # Of two made in one second, the later file is the newer.
        found = [(path.stat().st_mtime_ns, _read(path)) for path in folder.glob("*.json")]
        return cls(tuple(key for _, key in sorted(found, key=lambda pair: (pair[1].created, pair[0]))), now)

    @classmethod
    def of_jwks(cls, text: bytes) -> Self:
        """To check only, by a JWKS as ``jwks`` writes it.  Raises InvalidInput."""
        try:
            keys = [ECKey.import_key(jwk) for jwk in orjson.loads(text)["keys"] if jwk.get("kty") == "EC"]
        except (ValueError, KeyError, TypeError, AttributeError, JoseError):
            raise InvalidInput("ce fichier n'est pas un JWKS", where="JWKS") from None
        return cls(tuple(SigningKey(key.thumbprint(), "", key) for key in keys))

    @property
    def current(self) -> SigningKey:
        assert self._signing is not None, "a set of public keys signs nothing"
        return self._signing

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
        """Public halves of every key, old ones and those to come too (RFC 7517 5), the newest first."""
        return {"keys": [_public(key) for key in reversed(self.keys)]}


class Keys:
    """The keyring of a folder as it is now: opened again when a file came or went, looked at once a second, and once a
    minute in any case, for keys whose time has come.  Thread-safe: at worst two threads open it at once."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time, *, registry: str = "") -> None:
        self._folder, self._clock, self._registry = folder, clock, registry
        self._held: tuple[float, float, frozenset[str], Keyring] | None = None  # looked at, opened at, files, keys

    def ring(self) -> Keyring:
        """Raises RegistryUnavailable as ``Keyring.open`` does."""
        now, held = self._clock(), self._held
        if held is not None and now - held[0] < _LOOK:
            return held[3]
        if held is not None and now - held[1] < _ANEW and self._files() == held[2]:
            self._held = (now, *held[1:])
            return held[3]
        files = self._files()  # before they are read: what comes meanwhile is seen at the next look
        at = format_instant(datetime.fromtimestamp(now, UTC))
        ring = Keyring.open(self._folder, now=at, registry=self._registry)
        self._held = (now, now, files, ring)
        return ring

    def _files(self) -> frozenset[str]:
        return frozenset(path.name for path in self._folder.glob("*.json"))


def keys_are_away(folder: Path, registry: str) -> bool:
    """Whether there is no key, though the log of this registry was signed.  Raises RegistryUnavailable where the
    registry is needed to know, and does not answer."""
    if not registry or any(folder.glob("*.json")):
        return False
    from directory_service.registry.logread import is_signed  # loads SQLAlchemy, half of what `annuaire verify` takes

    return is_signed(registry)


def kids_of(folder: Path) -> frozenset[str]:
    """The keys that are there; none is made.  Raises RegistryUnavailable where a file is no key."""
    return frozenset(_read(path).kid for path in folder.glob("*.json"))


def kid_of(token: str) -> str:
    """The key that a JWS says it was signed by; "" of a text that is none."""
    try:
        return str(jws.extract_compact(token.encode("ascii")).headers().get("kid", ""))
    except (JoseError, ValueError):
        return ""


def add_key(folder: Path, *, now: str) -> str:
    """Makes a key that signs from ``now`` on, which may be to come, and gives its kid.  Older ones go on verifying."""
    return _write(folder, None, now)


def _write(folder: Path, name: str | None, now: str) -> str:
    """Under ``name``, or under its kid; whole or not at all, and never over another.  Raises FileExistsError,
    RegistryUnavailable."""
    key = ECKey.generate_key(_CURVE)
    kid = key.thumbprint()
    draft = folder / f".{secrets.token_hex(8)}"
    content = orjson.dumps({**key.as_dict(private=True), "created": now})
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        why = f"une clé de signature ne peut pas y être écrite : {why_unwritten(error)}"
        raise RegistryUnavailable(why, where=str(folder)) from error
    try:
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
        raise RegistryUnavailable("une clé de signature est illisible", where=path.name) from None
    return SigningKey(key.thumbprint(), created, key, path.name)


def _public(key: SigningKey) -> dict[str, Any]:
    return {**key.jwk.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
