"""A verdict that can be checked later by others, offline: a compact JWS (RFC 7515) by ES256.

The payload says what was asked, the verdict and the codes of its reasons, at what instant and from which build, who
issued it and when.  Where the caller asks for privacy it holds salted hashes of what names somebody, one salt to each,
so that one of them can be shown without the others: whoever is given value and salt computes the same hash, and nobody
else can try values (128 bits).  Hashes are hexadecimal SHA-256 of salt and value, as texts.
What was verified is ``verify``'s affair; nothing here is kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

import orjson

from directory_service.errors import InvalidInput
from directory_service.model.mailboxes import lowered
from directory_service.registry.clock import format_instant
from directory_service.trust.keys import Keyring, Keys
from directory_service.trust.verdicts import Verdict
from directory_service.trust.verify import Question

TYP: Final = "annuaire-receipt+jws"
_PERSONAL: Final = ("address", "person", "name")  # what a private receipt holds hashes of
_SALT: Final = 16  # octets
# As we write them: of any other length, the beginning of a value could be passed off as the end of its salt.
_WRITTEN: Final = re.compile(rf"[0-9a-f]{{{2 * _SALT}}}", re.ASCII)


class Form(StrEnum):
    """What a receipt shows: all that was asked, or hashes of it."""

    PLAIN = "plain"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``salts``: of each value that the token holds a hash of; empty for a plain one."""

    token: str
    salts: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """What is added to the answer."""
        return {"receipt": self.token, **({"receipt_salts": self.salts} if self.salts else {})}


def hash_of(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}{value}".encode("utf-8", "surrogateescape")).hexdigest()


def payload(question: Question, verdict: Verdict, issuer: str, issued: int, jti: str, salts: dict[str, str]
            ) -> dict[str, Any]:  # fmt: skip
    """The claims.  ``issued`` in POSIX seconds; the address in lower case, the rest as it was written."""
    asked = {"address": verdict.address, "person": question.person, "name": question.name}
    hashed = {field: hash_of(salts[field], value) for field, value in asked.items() if value and field in salts}
    shown = {
        **{field: value for field, value in asked.items() if field not in salts},
        "at": format_instant(question.at) if question.at else "",
        "as": "recipient" if question.sender is None else "sender",
        "operator": question.sender or "",
    }
    return {
        "iss": issuer,
        "iat": issued,
        "jti": jti,
        "asked": {field: value for field, value in shown.items() if value},
        **({"asked_sha256": hashed} if hashed else {}),
        "verdict": str(verdict.verdict),
        "reasons": [r.code for r in verdict.reasons],
        "at": verdict.at,
        "build": verdict.build,
    }


class Receipts:
    """What signs the verdicts of one process."""

    def __init__(self, keys: Keys, issuer: str, chance: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self.keys, self._issuer, self._chance = keys, issuer, chance

    def give(self, question: Question, verdict: Verdict, form: Form) -> Receipt:
        fields = _PERSONAL if form is Form.PRIVATE else ()
        given = {"address": verdict.address, "person": question.person, "name": question.name}
        salts = {field: self._chance(_SALT).hex() for field in fields if given[field]}
        issued = int(datetime.now(UTC).timestamp())
        claims = payload(question, verdict, self._issuer, issued, self._chance(_SALT).hex(), salts)
        return Receipt(self.keys.ring().sign(orjson.dumps(claims), TYP), salts)


@dataclass(frozen=True, slots=True)
class Checked:
    """A receipt whose signature holds."""

    claims: dict[str, Any]

    @classmethod
    def of(cls, token: str, ring: Keyring) -> Self:
        """Raises InvalidInput for any text that none of these keys signed as a receipt."""
        return cls(orjson.loads(ring.check("".join(token.split()), TYP)))

    def shows(self, field: str, value: str, salt: str) -> bool:
        """Whether a private receipt is about this value of ``address``, ``person`` or ``name``; by no text that is not
        of the form of our salts."""
        if field not in _PERSONAL:
            raise InvalidInput(f"un champ parmi {', '.join(_PERSONAL)} est attendu")
        given = lowered(value.strip()) if field == "address" else value.strip()
        held = self.claims.get("asked_sha256", {}).get(field, "")
        return _WRITTEN.fullmatch(salt) is not None and secrets.compare_digest(held, hash_of(salt, given))
