"""What the tests themselves lean on, on machines that are not ours."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from e2e.installation import free_port, runs


def test_a_port_is_given_once_and_only_if_nobody_listens_on_it() -> None:
    taken = free_port() + 1
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", taken))
        given = [free_port() for _ in range(100)]
    assert len(set(given)) == 100 and taken not in given


def test_ports_are_not_those_that_the_kernel_gives_to_clients() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if first < 30_000:
        pytest.skip("they begin early here")
    assert free_port() < first


def test_a_process_that_ended_and_was_not_asked_how_no_longer_runs() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert runs(child.pid)
        child.stdin.close()  # type: ignore[union-attr]
        while runs(child.pid):
            pass
        assert Path(f"/proc/{child.pid}").exists()
    assert not runs(child.pid)


def test_our_own_servers_are_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert urllib.request.proxy_bypass("127.0.0.1") and urllib.request.proxy_bypass("localhost")
