"""How the end of a connection reaches a client that keeps it for its next search."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: on, for no time
_NONE: Final = bytes(4)


def end_at_once(transport: asyncio.Transport) -> None:
    """Has the close, which comes next, end TCP by a reset, if all that was sent before has arrived.

    To a client that reads nothing until it has something to ask, the end of a stream (FIN) is no news: its next search
    is written without error, and lost.  Evolution waits for that answer for ever; after a reset libldap says
    LDAP_SERVER_DOWN to the search itself, and Evolution connects and asks again.  The notice that is under way can
    still be read.  Postfix, whose next search comes after the end, would take the notice for the answer to it and defer
    the mail (decision 0055).
    """
    below = transport.get_extra_info("socket")
    try:
        left = fcntl.ioctl(below.fileno(), termios.TIOCOUTQ, _NONE)  # octets not acknowledged (tcp(7), SIOCOUTQ)
        if left == _NONE:
            below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    except (OSError, AttributeError):  # gone already, or a system that does not tell
        return
