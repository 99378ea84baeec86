"""A look-up that does not say whom it is about (k-anonymity, as *Have I Been Pwned* does for passwords).

The caller hashes the address, sends the first digits, and finds the rest among the answers.  All verdicts are those of
``verify``, for anybody's view: unlisted mailboxes and patients are never among them.  Answers are filled up with hashes
of nothing to a multiple of ``SIZE``, so that their size says nothing; no address has those, and who has not the key of
the build cannot tell them from the others.  They are the same for as long as the build is, so that answers may be kept.
All ranges together are the hashes of all listed addresses: who can guess an address can check it, as with ``verify``.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from directory_service.index.query import View
from directory_service.index.ranges import DIGITS, hash_of
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.mailboxes import is_patient
from directory_service.trust.access import Caller
from directory_service.trust.verdicts import Outcome
from directory_service.trust.verify import Question, ask

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

SIZE: Final = 256  # answers; of 550,000 addresses the fullest of 4,096 ranges holds about 180
_LEFT_OUT: Final = (Outcome.CLOSED, Outcome.UNKNOWN_ADDRESS)


def verdicts_in(directory: Directory, start: str, patient_domain: str = PATIENT_DOMAIN) -> tuple[str, dict[str, str]]:
    """The build, and the verdict of every open listed mailbox whose hash starts with these ``DIGITS`` lower-case
    hexadecimal digits, by the other digits, in their order.  ``patient_domain``: as for ``verify.ask``."""
    with directory.held() as build:
        key = directory.filling_key()
        listed = [address for address in directory.addresses_in(start) if not is_patient(address, patient_domain)]
        found = {hash_of(address)[DIGITS:]: _verdict(directory, address) for address in listed}
    told = {rest: str(verdict) for rest, verdict in found.items() if verdict not in _LEFT_OUT}
    filling = range(-(-max(len(told), 1) // SIZE) * SIZE - len(told))
    told |= {_nobody(key, start, n): str(Outcome.VERIFIED) for n in filling}
    return build.id, dict(sorted(told.items()))


def _verdict(directory: Directory, address: str) -> Outcome:
    return ask(directory, Question(address), Caller(View.ANONYMOUS), patient_domain="").verdict


def _nobody(key: bytes, start: str, number: int) -> str:
    return hmac.digest(key, f"{start} {number}".encode(), "sha256").hex()[DIGITS:]
