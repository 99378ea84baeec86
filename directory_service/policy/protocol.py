"""Postfix's policy delegation protocol (SMTPD_POLICY_README): octets to requests, actions to octets.  PURE.

A request is ``name=value`` lines and an empty one; the answer is ``action=…`` and an empty line.  Names that nobody
asked for are kept or not as they come: Postfix adds some with each version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from directory_service.errors import InvalidInput

# Postfix sends about 30 attributes and 1 KiB; its own addresses end at 2 KiB (line_length_limit).
LONGEST_LINE: Final = 4096  # octets
MOST_ATTRIBUTES: Final = 100
_KIND: Final = ("request", "smtpd_access_policy")

Request = Mapping[str, str]


class Requests:
    """The requests of one connection, whatever pieces they come in."""

    def __init__(self) -> None:
        self._rest = b""
        self._held: dict[str, str] = {}

    @property
    def idle(self) -> bool:
        """Has no request begun?"""
        return not self._rest and not self._held

    def feed(self, data: bytes) -> Iterator[Request]:
        """Each request that is whole with these octets.  Raises InvalidInput for what is no request; there is then
        nothing more to be had from the connection."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line:
                self._add(line)
            else:
                yield self._end()
        if len(self._rest) > LONGEST_LINE:
            raise InvalidInput("ligne trop longue")

    def _add(self, line: bytes) -> None:
        name, equals, value = line.partition(b"=")
        if not equals or len(line) > LONGEST_LINE or len(self._held) >= MOST_ATTRIBUTES:
            raise InvalidInput("attribut mal formé, trop long ou de trop")
        self._held[name.decode("ascii", "replace")] = value.decode("utf-8", "replace")

    def _end(self) -> Request:
        found, self._held = self._held, {}
        if found.get(_KIND[0]) != _KIND[1]:
            raise InvalidInput("ce n'est pas une demande de Postfix")
        return found


def write_action(action: str) -> bytes:
    """One line of ASCII, whatever the action holds: it goes into an SMTP reply."""
    plain = " ".join(action.encode("ascii", "replace").decode().split())
    return f"action={plain}\n\n".encode()
