"""What ``annuaire serve`` gives to paste works where it is pasted."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from directory_service.commands.serving import _announce
from directory_service.settings import Settings


@pytest.mark.parametrize(
    ("host", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("annuaire", "annuaire")],
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
