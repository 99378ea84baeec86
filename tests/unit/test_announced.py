"""What ``annuaire serve`` gives to paste works where it is pasted; where it cannot listen, it says why in French."""

from __future__ import annotations

import json
import shlex
import socket
from pathlib import Path

import pytest
import web_world as world

from directory_service.commands.serving import _announce
from directory_service.errors import RegistryUnavailable
from directory_service.serve import require_free
from directory_service.settings import Settings


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("annuaire", "annuaire"),
    ],
)
def test_every_address_is_asked_by_loopback(
    host: str, asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data=tmp_path, host=host)
    _announce(settings, ("http",), machine=False)
    told = capsys.readouterr().out
    url = f"http://{asked}:8080"
    assert f"Dans un navigateur : {url}/\n" in told
    (line,) = [line for line in told.splitlines() if "curl" in line]
    assert shlex.split(line) == ["curl", "-s", f"{url}/v1/status"] and ("'" in line) == ("[" in url)
    _announce(settings, ("http",), machine=True)
    assert host in json.loads(capsys.readouterr().out)["serving"]["http"]


def test_a_part_that_nobody_asks_gives_nothing_to_paste(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory, _ = world.build_world(tmp_path)
    directory.close()
    _announce(Settings(data=tmp_path), ("follow",), machine=False)
    assert capsys.readouterr().out == "\nPrêt.\n\nCtrl-C arrête.\n"
    _announce(Settings(data=tmp_path), ("ldap",), machine=False)
    assert "coller dans un autre terminal :\n\n  ldapsearch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "un autre programme l'occupe"),
        ("192.0.2.1", "cette machine n'a pas cette adresse"),
        ("annuaire.invalid", "cette adresse est inconnue"),
    ],
)
def test_why_a_port_is_not_to_be_had_is_told_in_french(host: str, why: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(host=host, http_port=other.getsockname()[1])
        with pytest.raises(RegistryUnavailable, match=why):
            require_free(settings, ("http",))
