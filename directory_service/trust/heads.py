"""Tree heads and exports: what signs them with the keys of a folder, and what checks them with any set of keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from directory_service.registry.clock import now_text
from directory_service.trust.keys import Keyring

TREE_HEAD = "annuaire-tree-head+jws"
EXPORT = "annuaire-export+jws"


def signer(folder: Path, registry: str, typ: str = TREE_HEAD) -> Callable[[bytes], str]:
    """What signs with the keys of ``folder``, read when there is something to sign; ``registry``: as for
    ``Keyring.open``.  Raises RegistryUnavailable."""
    return lambda payload: Keyring.open(folder, now=now_text(), registry=registry).sign(payload, typ)


def checker(keys: Keyring, typ: str = TREE_HEAD) -> Callable[[str], bytes]:
    """What gives the payload of a JWS of ours; it raises InvalidInput for any other text."""
    return lambda token: keys.check(token.strip(), typ)
