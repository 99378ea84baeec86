"""Addresses of clients: whose each is, and whether it is this machine's."""

from __future__ import annotations

import pytest

from directory_service.model.networks import is_local, subscriber_of


@pytest.mark.parametrize(
    ("address", "network", "local"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.9.9.9", "127.9.9.9", True),
        ("::1", "::/64", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", False),
        ("192.0.2.1", "192.0.2.1", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("", "", True),
        ("odd", "odd", False),
    ],
)
def test_addresses(address: str, network: str, local: bool) -> None:
    """A host may choose the last 64 bits of its IPv6 address: they say nothing."""
    assert subscriber_of(address) == network
    assert is_local(address) == local
