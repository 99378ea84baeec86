"""Networks and addresses that a setting names.  PURE."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


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
        """An IPv4 address that came in over IPv6 (``::ffff:…``) is itself; what is no address is nowhere."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self.held)


NO_NETWORK = Networks()


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
