"""Tree heads and exports, signed by our keys and checked by whoever has the public ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from directory_service.errors import InvalidInput
from directory_service.registry.clock import now_text
from directory_service.registry.log import TYP
from directory_service.trust.keys import Keyring, SigningKey

TREE_HEAD = TYP
EXPORT = "annuaire-export+jws"


def signer(folder: Path, typ: str = TREE_HEAD) -> Callable[[bytes], str]:
    """What signs with the keys of ``folder``, read when there is something to sign.  Raises RegistryUnavailable."""
    return lambda payload: Keyring.open(folder, now=now_text()).sign(payload, typ)


def checker(keys: Keyring, typ: str = TREE_HEAD) -> Callable[[str], bytes]:
    """What gives the payload of a JWS of ours; it raises InvalidInput for any other text."""
    return lambda token: keys.check(token.strip(), typ)


def public_ring(jwks: bytes) -> Keyring:
    """Keys that only verify, from a JWKS (RFC 7517 5).  Raises InvalidInput."""
    try:
        keys: list[dict[str, Any]] = orjson.loads(jwks)["keys"]
        return Keyring(tuple(_public(key) for key in keys))
    except (ValueError, KeyError, TypeError, JoseError):
        raise InvalidInput("un jeu de clés publiques (JWKS) est attendu") from None


def _public(key: dict[str, Any]) -> SigningKey:
    imported = ECKey.import_key(key)
    return SigningKey(imported.thumbprint(), "", imported)
