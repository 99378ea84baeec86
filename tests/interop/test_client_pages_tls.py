"""What the client pages say of TLS, done by the clients that run here: ldaps and StartTLS, the authority checked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from certificates import Authority
from interop.test_client_pages import _ROUNDCUBE, JEAN, PAGES, _postfix
from ldap_support import BAL, Serving, served_both
from pages import blocks

from directory_service.ldap.server import Operators, Tls, TlsFiles

Program = Callable[[str], str]


class Secure(NamedTuple):
    """The plain port, that of ldaps, and the certificate that clients trust."""

    plain: int
    ldaps: int
    authority: Path

    def here(self, text: str) -> str:
        return text.replace("annuaire.example.org", "127.0.0.1").replace("1389", str(self.plain))

    def over_tls(self, text: str) -> str:
        """The page's configuration, with the URI that its TLS paragraph gives."""
        text = text.replace("ldap://annuaire.example.org:1389", "ldaps://annuaire.example.org:1636")
        return text.replace("annuaire.example.org", "127.0.0.1").replace("1636", str(self.ldaps))


@pytest.fixture(scope="module")
def secure(serving: Serving, authority: Authority) -> Iterator[Secure]:
    tls = Tls(TlsFiles(str(authority.server())))
    with served_both(serving.directory, None, Operators(serving.directory), tls) as (plain, ldaps):
        yield Secure(plain, ldaps, authority.path)


@pytest.fixture
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority that issued nothing here."""
    return Authority(tmp_path_factory.mktemp("stranger")).path


def block(page: str, file: str) -> str:
    [text] = [found.text for found in blocks(PAGES / page) if found.file == file]
    return text


def run(*command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("how", ["ldaps", "StartTLS"])
def test_postfix(secure: Secure, stranger: Path, program: Program, tmp_path: Path, how: str) -> None:
    text = block("postfix.md", "/etc/postfix/annuaire-recipients.cf")
    text = secure.over_tls(text) if how == "ldaps" else secure.here(text) + "start_tls = yes\n"
    for authority, code in ((secure.authority, 0), (stranger, 1)):
        table = f"{text}tls_ca_cert_file = {authority}\ntls_require_cert = yes\n"
        env = _postfix(tmp_path, {"annuaire.cf": table})
        done = run(program("postmap"), "-q", JEAN, f"ldap:{tmp_path / 'annuaire.cf'}", **env)
        assert (done.returncode, done.stdout.strip()) == (code, "" if code else JEAN), done.stderr


@pytest.mark.parametrize("how", ["ldaps", "StartTLS"])
def test_ldapsearch(secure: Secure, stranger: Path, program: Program, how: str) -> None:
    options = ["-H", f"ldaps://127.0.0.1:{secure.ldaps}"]
    options = options if how == "ldaps" else ["-ZZ", "-H", f"ldap://127.0.0.1:{secure.plain}"]
    command = [program("ldapsearch"), "-x", "-LLL", *options, "-b", BAL, f"(mail={JEAN})", "mail"]
    assert f"mail: {JEAN}" in run(*command, LDAPTLS_CACERT=str(secure.authority)).stdout
    assert run(*command, LDAPTLS_CACERT=str(stranger)).returncode != 0


@pytest.mark.parametrize("how", ["ldaps", "StartTLS"])
def test_roundcube_through_php(secure: Secure, program: Program, tmp_path: Path, how: str) -> None:
    """``tls://`` is Roundcube's own word: it says StartTLS before it binds."""
    config, script = tmp_path / "config.inc.php", tmp_path / "search.php"
    text, search = block("roundcube.md", "config.inc.php"), _ROUNDCUBE.strip()
    if how == "StartTLS":
        search = search.replace("ldap_bind(", "ldap_start_tls($link) or exit(2);\nldap_bind(", 1)
    config.write_text("<?php\n" + (secure.over_tls(text) if how == "ldaps" else secure.here(text)), encoding="utf-8")
    script.write_text(search, encoding="utf-8")
    done = run(program("php"), str(script), str(config), "dup", LDAPTLS_CACERT=str(secure.authority))
    assert f"<{JEAN}>" in done.stdout, done.stderr


def test_java_over_ldaps(secure: Secure, program: Program, tmp_path: Path) -> None:
    """The authority in a trust store of the JVM, as the page says."""
    store, source = tmp_path / "trusted", tmp_path / "Annuaire.java"
    source.write_text(secure.over_tls(block("java.md", "Annuaire.java")), encoding="utf-8")
    keytool = [program("keytool"), "-importcert", "-noprompt", "-alias", "annuaire", "-storepass", "changeit"]
    assert run(*keytool, "-file", secure.authority, "-keystore", store).returncode == 0
    trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    done = run(program("java"), *trust, source, "dupont", LC_ALL="C.UTF-8")
    assert f"<{JEAN}>" in done.stdout, done.stderr
    assert "SSLHandshakeException" in run(program("java"), source, "dupont", LC_ALL="C.UTF-8").stderr
