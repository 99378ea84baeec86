"""Which parts ``annuaire serve`` runs, and where they listen."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from directory_service.errors import InvalidInput
from directory_service.parts import read_https, read_policy
from directory_service.serve import _answers, parts_of, ports
from directory_service.settings import Settings


@pytest.mark.parametrize(
    ("part", "settings", "parts"),
    [
        (None, {}, "ldap http follow"),
        (None, {"https_port": 8443}, "ldap http follow https"),
        (None, {"policy_port": 10045}, "ldap http follow policy"),
        ("http", {"https_port": 8443, "policy_port": 10045}, "http https"),
        ("policy", {"https_port": 8443, "policy_port": 10045}, "policy"),
        ("follow", {"https_port": 8443, "policy_port": 10045}, "follow"),
    ],
)
def test_a_setting_opens_the_ports_that_are_not_open_by_default(
    part: str | None, settings: dict[str, int], parts: str
) -> None:
    assert parts_of(part, Settings(**settings)) == tuple(parts.split())


def test_the_policy_service_stays_on_loopback_whatever_the_others_do() -> None:
    settings = Settings(host="::", policy_port=10045, https_port=8443)
    hosts = {port.scheme: port.host for port in ports(settings, parts_of(None, settings))}
    assert hosts == {"ldap": "::", "http": "::", "https": "::", "policy": "127.0.0.1"}


@pytest.mark.parametrize(
    ("read", "settings", "where"),
    [
        (read_https, {"https_port": 8443}, "https_port"),
        (read_https, {"https_port": 8443, "http_tls_client_ca": "ca.pem"}, "http_tls_certificate"),
        (read_https, {"https_port": 8443, "http_tls_certificate": "/nowhere.pem"}, "TLS"),
        (read_policy, {"policy_port": 10045}, "policy_operator"),
        (read_policy, {"policy_operator": "essai"}, "policy_port"),
    ],
)
def test_what_is_missing_is_named_before_anything_starts(read, settings: dict[str, object], where: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read(Settings(data=Path("var"), **settings))
    assert where in (refusal.value.where or "")


def test_who_listens_on_every_address_is_found_on_a_machine_that_has_none_of_ipv6() -> None:
    """``annuaire serve --host ::`` gave up after a minute in a container whose IPv6 is switched off."""
    with socket.create_server(("127.0.0.1", 0)) as face:
        assert all(_answers(host, face.getsockname()[1]) for host in ("::", "0.0.0.0", "127.0.0.1", "localhost"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_listens_before_anybody_reads_does_not_answer(scheme: str) -> None:
    """``Prêt`` was said up to ten seconds before the first answer over HTTP, and ``annuaire doctor`` refuted it."""
    with socket.create_server(("127.0.0.1", 0)) as face:
        assert not _answers("127.0.0.1", face.getsockname()[1], scheme)
