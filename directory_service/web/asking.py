"""Questions of verification as JSON, answered: one, or a batch line by line.  Knows no request: HTTP and the command
line ask alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import Forbidden, LimitExceeded
from directory_service.trust.receipts import Form
from directory_service.trust.verify import Question, ask
from directory_service.web.batches import answered
from directory_service.web.parameters import (
    LONGEST_ADDRESS,
    Choice,
    Flag,
    Instant,
    Text,
    parse_object,
    read_fields,
    refused,
)

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.trust.access import Caller
    from directory_service.trust.receipts import Receipts
    from directory_service.trust.verdicts import Verdict

LONGEST: Final = 16 * 1024  # bytes of a question: every field at its longest, escaped
FIELDS: Final = (
    Text("address", LONGEST_ADDRESS, required=True),
    # An empty one would be left out of the question, and the verdict taken for an answer to it.
    Text("person", filled=True),
    Text("name", filled=True),
    Instant("at", filled=True),
    Choice("as", ("recipient", "sender")),
    Text("operator", 64, filled=True),
    Flag("receipt", (Form.PRIVATE.value,)),
)
_BETWEEN: Final = frozenset('<>"(),:;\\[]')  # signs that addresses stand between (RFC 5322 3.2.3): what was copied too
# Lines answered from one build: a batch must see changes within a second.
_GROUP: Final = 200


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks what of which directory.  ``receipts`` is None where there is nothing to sign with."""

    directory: Directory
    caller: Caller
    patient_domain: str
    receipts: Receipts | None = None

    def answer(self, body: bytes) -> bytes:
        """The verdict on one question, as JSON.  Raises AnnuaireError."""
        return orjson.dumps(self.judge(body)[1])

    def judge(self, body: bytes) -> tuple[Verdict, dict[str, Any]]:
        if len(body) > LONGEST:
            raise LimitExceeded(f"au plus {LONGEST} octets par question")
        asked = read_fields(parse_object(body), FIELDS)
        if not _BETWEEN.isdisjoint(asked["address"]):
            raise refused("address", "une adresse de messagerie est attendue")
        question = Question(
            asked["address"],
            asked["person"],
            asked["name"],
            asked["at"],
            self._sender(asked["as"], asked["operator"].lower()),
        )
        verdict = ask(self.directory, question, self.caller, patient_domain=self.patient_domain)
        return verdict, {**verdict.as_dict(), **self._receipt(asked["receipt"], question, verdict)}

    def _receipt(self, wanted: bool | str, question: Question, verdict: Verdict) -> dict[str, Any]:
        if not wanted:
            return {}
        if self.receipts is None:
            raise refused("receipt", "ce service n'a pas de clé de signature")
        form = Form.PLAIN if wanted is True else Form(wanted)
        return self.receipts.give(question, verdict, form).as_dict()

    def answers(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        """One line of JSON to each, in order, some at a time; a line that does not read is answered by its problem."""
        return answered(self.directory, lines, self.answer, _GROUP)

    def _sender(self, side: str, named: str) -> str | None:
        """The operator that would send, the caller where it is one: an operator asks this for itself only."""
        if side != "sender":
            if named:
                raise refused("operator", 'seulement avec "as":"sender"')
            return None
        if self.caller.operator and named not in ("", self.caller.operator):
            raise Forbidden("un opérateur ne pose cette question que pour lui-même", where="paramètre operator")
        if not (named or self.caller.operator):
            raise refused("operator", 'ce paramètre est obligatoire avec "as":"sender"')
        return named or self.caller.operator
