"""Operations under way in threads: how they are called off, by Abandon (RFC 4511 4.11), Cancel (RFC 3909) or a goodbye.

A search that is called off before its turn is not run; one that runs is told, and SQLite interrupted, within about a
millisecond (``index.reader``).  Whoever calls off decides what is answered.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Final

from directory_service.errors import InvalidInput
from directory_service.ldap.ber import Reader
from directory_service.ldap.codes import CANCELED, CANNOT_CANCEL, NO_SUCH_OPERATION, TOO_LATE
from directory_service.ldap.messages import ExtendedRequest, result

CANCEL_TEXTS: Final = {
    0: "",
    NO_SUCH_OPERATION: "pas d'opération en cours de ce numéro",
    TOO_LATE: "opération déjà terminée",
    CANNOT_CANCEL: "cette opération ne s'annule pas",
}


class Operation:
    """One operation under way.  ``tag`` is that of its response; ``future`` is set once it is submitted."""

    __slots__ = ("_stopped", "future", "tag")

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.future: Future[Any]
        self._stopped = False

    def is_stopped(self) -> bool:
        """Asked by the thread that does the work."""
        return self._stopped

    def stop(self) -> None:
        self._stopped = True
        self.future.cancel()


def call_off(outstanding: dict[int, Operation], own: int, target: int) -> tuple[int, bytes]:
    """What a Cancel of ``target``, whose own id is ``own``, is answered; and the last reply of what it called off."""
    operation = outstanding.get(target)
    if operation is None:
        return CANNOT_CANCEL if target == own else NO_SUCH_OPERATION, b""
    if operation.future.done():
        return TOO_LATE, b""
    del outstanding[target]
    operation.stop()
    return 0, result(target, operation.tag, CANCELED, "opération annulée")


def cancelled_id(request: ExtendedRequest) -> int:
    """The message id in a Cancel request.  Raises ``InvalidInput``."""
    outer = Reader(request.value or b"")
    inner = outer.enter()
    outer.finish()
    target = inner.integer()
    inner.finish()
    if target < 0:
        raise InvalidInput("numéro de message négatif")
    return target
