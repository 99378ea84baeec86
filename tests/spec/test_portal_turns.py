"""Who opens a page waits for the index once, and not at all where nothing is read."""

from __future__ import annotations

from threading import Lock

import pytest
import web_world as world
from portal_support import HTML

from directory_service.index.directory import Directory
from directory_service.web import answers
from directory_service.web.app import create_app


class Gate:
    """A lock that counts who went through."""

    def __init__(self) -> None:
        self._lock, self.taken = Lock(), 0

    def acquire(self, timeout: float) -> bool:
        self.taken += 1
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()


@pytest.mark.parametrize(
    ("path", "times"),
    [(f"/professionnels/{world.ZOE}", 1), ("/organisations/690000005", 1), ("/?q=dupont", 1), ("/aide", 0)],
)
def test_a_page_takes_its_turn_once(opened: Directory, monkeypatch: pytest.MonkeyPatch, path: str, times: int) -> None:
    gate = Gate()
    monkeypatch.setattr(answers, "_gate", gate)
    assert create_app(opened).test_client().get(path, headers=HTML).status_code == 200
    assert gate.taken == times
