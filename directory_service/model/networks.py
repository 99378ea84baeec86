"""Addresses of clients, and the networks that a setting names.  PURE."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Networks:
    """IP addresses and networks; a sole address is a network of one."""

    held: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Networks:
        """``10.0.0.0/8 ::1`` by spaces, as ``str`` writes it.  Raises ValueError, also for host bits past the mask."""
        return cls(tuple(ip_network(part) for part in text.split()))

    def __str__(self) -> str:
        return " ".join(map(str, self.held))

    def __contains__(self, address: str) -> bool:
        """What is no address is nowhere."""
        found = find_address(address)
        return found is not None and any(found in network for network in self.held)


NO_NETWORK = Networks()


def find_address(text: str) -> IPv4Address | IPv6Address | None:
    """Less its zone; an IPv4 address that came in over IPv6 (``::ffff:…``) is itself.  None for what is no address."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=4096)  # asked at each connection, and clients come back
def is_local(address: str) -> bool:
    """Is this the machine itself?  An empty address is that of a Unix socket."""
    found = find_address(address)
    return found.is_loopback if found else not address


@lru_cache(maxsize=4096)
def subscriber_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, an IPv6 /64."""
    found = find_address(address)
    if found is None:
        return address
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def listened_on(host: str) -> tuple[str, ...]:
    """The addresses that a face opens for one that a setting names: ``::`` is every address, of IPv4 too.

    asyncio makes a socket for ``::`` deaf to IPv4 (IPV6_V6ONLY), whatever the system says.
    """
    return ("0.0.0.0", "::") if host == "::" else (host,)  # noqa: S104 (asked for by name)


def asked_at(host: str) -> str:
    """Where this machine asks a face that listens on ``host``: "every address" is none to ask.  That of ``::`` is asked
    by IPv4, which it answers too: a container may know IPv6 and have no address of it."""
    try:
        return "127.0.0.1" if ip_address(host).is_unspecified else host
    except ValueError:
        return host
