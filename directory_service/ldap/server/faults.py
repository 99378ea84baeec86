"""What to say and to write down when our own code fails: where, never what was asked."""

from __future__ import annotations

import logging

from directory_service.errors import damaged
from directory_service.ldap.codes import OTHER
from directory_service.ldap.messages import result

log = logging.getLogger(__name__)


def internal_fault(error: BaseException, message_id: int, tag: int) -> bytes:
    """The reply to the request.  Logs where it happened: the message of an exception may hold a value of the query."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("internal fault: %s at %s", type(error).__name__, where)
    if unreadable := damaged(error):
        return result(message_id, tag, unreadable.ldap_code, unreadable.message)
    return result(message_id, tag, OTHER, "erreur interne")
