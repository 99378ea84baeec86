"""A served town of three hundred people, built once a session, for whoever speaks to a server over a socket."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from certificates import Authority
from ldap_support import Serving, served
from ldap_town import build_town

from directory_service.index.directory import Directory
from directory_service.ldap.server import Operators


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Directory, str]]:
    """The directory and the operator's secret."""
    directory, secret = build_town(tmp_path_factory.mktemp("town"))
    yield directory, secret
    directory.close()


@pytest.fixture(scope="session")
def serving(town: tuple[Directory, str]) -> Iterator[Serving]:
    directory, secret = town
    with served(directory, check=Operators(directory)) as port:
        yield Serving(port, secret, directory)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One that issues the certificates of the session."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a peer; where it is not installed the test fails in CI and skips elsewhere."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("CI"):
            pytest.fail(f"{name} is required in CI")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find
