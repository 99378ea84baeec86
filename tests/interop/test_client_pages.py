"""docs/howto/clients: what each page tells to paste is read from the page and put to work.

ldapsearch, Postfix, a JDK, lbdb, slapd and PHP's LDAP extension are real and run, and Thunderbird in
``test_thunderbird``; of those that cannot run here, the configuration is read as they read it and the filters that
they make of it are sent (ldap-clients.md §2).
"""

from __future__ import annotations

import configparser
import io
import os
import plistlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import ldap
import pytest
from ldap.ldapobject import LDAPObject
from ldap_support import Serving
from pages import DOCS, blocks, shows, steps

from bench.slapd import wait_for

PAGES = DOCS / "howto" / "clients"
JEAN = "jean.dupont@medecin.mssante.fr"
OURS = Path(__file__).parents[2] / "ldap_schema" / "definitions"
_BAL = "ou=bal,o=annuaire-sante,c=fr"
HOST, PORT = "annuaire.example.org", "1389"
_SCOPES = {"base": ldap.SCOPE_BASE, "one": ldap.SCOPE_ONELEVEL, "sub": ldap.SCOPE_SUBTREE}

Program = Callable[[str], str]


def here(text: str, serving: Serving) -> str:
    """The text, about the server of the tests."""
    return text.replace(HOST, "127.0.0.1").replace(PORT, str(serving.port))


def pasted(page: str, file: str, serving: Serving) -> str:
    """The content of a file that the page gives."""
    [text] = [block.text for block in blocks(PAGES / page) if block.file == file]
    return here(text, serving)


def follow(page: str, serving: Serving, env: dict[str, str], replace: tuple[str, str] = ("\0", "")) -> None:
    """Types each command of the page and holds what it prints against what the page shows."""
    for command, shown in steps(PAGES / page):
        typed = here(command, serving).replace(*replace)
        done = subprocess.run(["bash", "-c", typed], env=os.environ | env, capture_output=True, text=True, timeout=60)
        assert shown is not None and shows(shown, done.stdout), f"{typed}{done.stdout}{done.stderr}"


def ask(serving: Serving, base: str, asked: str, attributes: list[str] | None = None, *, scope: str = "sub",
        size: int = 0) -> set[str]:  # fmt: skip
    """The addresses found, as an anonymous client."""
    connection = ldap.initialize(serving.url)
    try:
        connection.simple_bind_s()
        number = connection.search_ext(base, _SCOPES[scope], asked, attributes, sizelimit=size)
        return {mail.decode() for _, held in connection.result(number)[1] for mail in held.get("mail", ())}
    finally:
        connection.unbind_s()


# --- clients that run here ------------------------------------------------------------------------------------------


def test_ldapsearch_prints_what_its_page_shows(serving: Serving, program: Program, tmp_path: Path) -> None:
    program("ldapsearch")
    (tmp_path / ".ldaprc").write_text(pasted("ldapsearch.md", "~/.ldaprc", serving))
    follow("ldapsearch.md", serving, {"HOME": str(tmp_path)})


def _postfix(folder: Path, tables: dict[str, str]) -> dict[str, str]:
    """The environment that points Postfix at a configuration of its own.  Postfix waits two seconds before it reads a
    file just written, in case it is being edited: these were written long ago."""
    for name, text in {"main.cf": "compatibility_level = 3.6\n", **tables}.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (0, 0))
    return os.environ | {"MAIL_CONFIG": str(folder)}


def test_postfix_reads_the_tables_of_its_page(serving: Serving, program: Program, tmp_path: Path) -> None:
    program("postmap")
    files = [block.file for block in blocks(PAGES / "postfix.md") if block.file]
    env = _postfix(tmp_path, {Path(file).name: pasted("postfix.md", file, serving) for file in files})
    follow("postfix.md", serving, env, ("/etc/postfix", str(tmp_path)))
    assert len(files) == 3


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(
    ("key", "code"),
    [
        (JEAN, 0),
        ("JEAN.DUPONT@Medecin.MSSante.fr", 0),
        ("jean.dupont", 1),
        ("@medecin.mssante.fr", 1),
        ("personne@medecin.mssante.fr", 1),
        ("cachee@medecin.mssante.fr", 1),  # unlisted
        ("*@medecin.mssante.fr", 1),
        ("a(b)\\*@medecin.mssante.fr", 1),
    ],
)
def test_postfix_finds_or_does_not_but_never_defers(
    serving: Serving, program: Program, tmp_path: Path, version: str, key: str, code: int
) -> None:
    """§1.4: anything but 0 and 32 would keep the mail in the queue; so also with version 2, its default."""
    table = pasted("postfix.md", "/etc/postfix/annuaire-short.cf", serving) + f"version = {version}\n"
    env = _postfix(tmp_path, {"annuaire.cf": table})
    command = [program("postmap"), "-q", key, f"ldap:{tmp_path / 'annuaire.cf'}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.strip() == (JEAN if code == 0 else "")


def test_the_java_program_of_the_page_finds_somebody(serving: Serving, program: Program, tmp_path: Path) -> None:
    program("javac")  # without it java runs classes, not sources
    (tmp_path / "Annuaire.java").write_text(pasted("java.md", "Annuaire.java", serving), encoding="utf-8")
    follow("java.md", serving, {"LC_ALL": "C.UTF-8"}, ("Annuaire.java", str(tmp_path / "Annuaire.java")))


# What Roundcube does with its configuration: Net_LDAP3 connects and binds, rcube_ldap makes the filter.
_ROUNDCUBE = r"""
<?php
include $argv[1];
$book = $config['ldap_public']['annuaire'];
assert(in_array('annuaire', $config['autocomplete_addressbooks']));
$link = ldap_connect($book['hosts'][0]);
ldap_set_option($link, LDAP_OPT_PROTOCOL_VERSION, $book['ldap_version']);
ldap_bind($link, $book['bind_dn'] ?: null, $book['bind_pass'] ?: null) or exit(1);
$words = '';
foreach (explode(' ', $argv[2]) as $word) {
    $parts = array_map(fn($f) => "($f=*" . ldap_escape($word, '', LDAP_ESCAPE_FILTER) . "*)", $book['search_fields']);
    $words .= '(|' . implode('', $parts) . ')';
}
$fields = array_map(fn($f) => explode(':', $f)[0], array_values($book['fieldmap']));
$limits = [$book['sizelimit'], $book['timelimit']];
$found = ldap_search($link, $book['base_dn'], "(&{$book['filter']}$words)", $fields, 0, ...$limits);
foreach (ldap_get_entries($link, $found) as $n => $entry) {
    if ($n !== 'count') echo $entry[strtolower($book['fieldmap']['name'])][0], ' <', $entry['mail'][0], ">\n";
}
"""


def test_roundcube_s_configuration_finds_somebody_through_php(
    serving: Serving, program: Program, tmp_path: Path
) -> None:
    config, script = tmp_path / "config.inc.php", tmp_path / "search.php"
    config.write_text("<?php\n" + pasted("roundcube.md", "config.inc.php", serving), encoding="utf-8")
    script.write_text(_ROUNDCUBE.strip(), encoding="utf-8")
    command = [program("php"), "-d", "zend.assertions=1", str(script), str(config), "dup jean"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Dr Jean DUPONT, Médecin, LYON <{JEAN}>" in done.stdout.splitlines()


@pytest.mark.parametrize("typed", ["dup", "jean dup", "DUPONT Jean"])
def test_lbdb_finds_somebody_for_mutt(serving: Serving, program: Program, tmp_path: Path, typed: str) -> None:
    (tmp_path / ".lbdb").mkdir()
    for file in ("~/.lbdb/rc", "~/.lbdb/ldap.rc"):
        text = pasted("other-clients.md", file, serving)
        (tmp_path / ".lbdb" / Path(file).name).write_text(text, encoding="utf-8")
    env = os.environ | {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([program("lbdbq"), typed], env=env, capture_output=True, text=True, timeout=60)
    assert f"{JEAN}\tDr Jean DUPONT, Médecin, LYON\t" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def proxy(serving: Serving, program: Program, tmp_path: Path) -> Iterator[LDAPObject]:
    (tmp_path / "cache").mkdir()
    text = pasted("openldap.md", "slapd.conf", serving).replace("/etc/ldap/annuaire", str(OURS))
    (tmp_path / "slapd.conf").write_text(text.replace("/var/lib/ldap/annuaire", str(tmp_path / "cache")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program("slapd"), "-d", "0", "-f", str(tmp_path / "slapd.conf"), "-h", f"ldap://127.0.0.1:{port}/"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        connection = ldap.initialize(f"ldap://127.0.0.1:{port}")
        yield connection
        connection.unbind_s()
    finally:
        process.terminate()
        process.wait(30)


def test_openldap_passes_searches_on_and_keeps_addresses(proxy: LDAPObject) -> None:
    """Twice: the second answer is the cache's."""
    first, again = (
        proxy.search_s(_BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})", ["cn", "displayName", "mail"]) for _ in range(2)
    )
    [(name, held)] = first
    assert name.endswith(_BAL) and held["mail"] == [JEAN.encode()] and again == first
    [(_, found)] = proxy.search_s(_BAL, ldap.SCOPE_SUBTREE, f"(mail={JEAN})", ["asRpps"])
    assert list(found) == ["asRpps"]  # written as our schema does
    words = proxy.search_s(_BAL, ldap.SCOPE_SUBTREE, "(cn=*dupont*jean*)", ["mail"])
    assert JEAN.encode() in [mail for _, held in words for mail in held["mail"]]
    with pytest.raises(ldap.SIZELIMIT_EXCEEDED):
        proxy.search_s(_BAL, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["1.1"])


# --- clients that do not --------------------------------------------------------------------------------------------


def test_thunderbird_s_preferences_complete_a_name(serving: Serving) -> None:
    text = pasted("thunderbird.md", "user.js", serving)
    prefs = {name: value.strip('"') for name, value in re.findall(r'user_pref\("([^"]+)", (.+?)\);', text)}
    book = prefs["ldap_2.autoComplete.directoryServer"]
    url = urlsplit(prefs[f"{book}.uri"])
    attributes, scope, found = url.query.split("?")
    asked = prefs[f"{book}.autoComplete.filterTemplate"].replace("%v1*%v2-", "dup").replace("%v", "dup")
    size = int(prefs[f"{book}.maxHits"])
    assert (url.hostname, url.port) == ("127.0.0.1", serving.port)
    assert found == "(objectclass=*)"  # which it does not send
    assert JEAN in ask(serving, unquote(url.path[1:]), asked, attributes.split(","), scope=scope, size=size)
    assert prefs[f"{book}.uri"] in here((DOCS / "howto" / "autoconfiguration.md").read_text(), serving)


def test_evolution_s_source_finds_somebody(serving: Serving) -> None:
    source = _keys(pasted("evolution.md", "annuaire.source", serving))
    book, place = source["LDAP Backend"], source["Authentication"]
    asked = "(|(displayName=dup*)(mail=dup*)(displayName=*dup*)(mail=*dup*)(|(cn=dup*)(sn=dup*)))"
    assert (place["Host"], place["Port"], place["Method"]) == ("127.0.0.1", str(serving.port), "none")
    assert (source["Address Book"]["BackendName"], book["Scope"]) == ("ldap", "subtree")
    assert JEAN in ask(serving, book["RootDn"], f"(&{book['Filter']}{asked})", size=int(book["Limit"]))


def test_sogo_s_source_finds_somebody(serving: Serving) -> None:
    text = pasted("sogo.md", "sogo.conf", serving)
    book = dict(re.findall(r'(\w+) = "?([^";]+)"?;', text))
    names = book["SearchFieldNames"].strip("()").split(", ")
    kind = re.fullmatch(r"(\w+)='(\w+)'", book["filter"])
    assert kind and (book["canAuthenticate"], book["isAddressBook"]) == ("NO", "YES")
    asked = f"(&({kind[1]}={kind[2]})(|{''.join(f'({name}=*dup*)' for name in names)}))"
    assert book["hostname"] == serving.url
    assert JEAN in ask(serving, book["baseDN"], asked, ["*"])


def test_apple_s_profile_finds_somebody(serving: Serving) -> None:
    profile = plistlib.loads(pasted("other-clients.md", "annuaire.mobileconfig", serving).encode())
    [account] = profile["PayloadContent"]
    [where] = account["LDAPSearchSettings"]
    assert account["LDAPAccountHostName"] == f"127.0.0.1:{serving.port}"
    asked = "(|(givenname=dup*)(sn=dup*)(cn=dup*)(mail=dup*))"
    assert JEAN in ask(serving, where["LDAPSearchSettingSearchBase"], asked, ["cn", "mail"])


def test_kde_s_file_finds_somebody(serving: Serving) -> None:
    book = _keys(pasted("other-clients.md", "kabldaprc", serving))["LDAP"]
    asked = ("(&(|(objectclass=person)(objectclass=groupOfNames)(mail=*))"
             "(|(cn=dup*)(mail=dup*)(mail=*@dup*)(givenName=dup*)(sn=dup*)))")  # fmt: skip
    assert (book["SelectedHost0"], book["SelectedPort0"]) == ("127.0.0.1", str(serving.port))
    assert JEAN in ask(serving, book["SelectedBase0"], asked, size=int(book["SelectedSizeLimit0"]))


def test_exim_s_look_up_finds_an_address(serving: Serving) -> None:
    text = pasted("mail-servers.md", "exim4.conf", serving)
    [url] = re.findall(r"ldap://\S+?\)(?=\})", text.replace("${quote_ldap:$local_part@$domain}", JEAN))
    attribute, scope, asked = urlsplit(url).query.split("?")
    assert f"ldap_default_servers = 127.0.0.1::{serving.port}" in text
    assert ask(serving, unquote(urlsplit(url).path[1:]), asked, [attribute], scope=scope) == {JEAN}


@pytest.mark.parametrize(
    ("file", "between", "base", "asked"),
    [
        ("dovecot-ldap.conf.ext", " = ", "base", "user_filter"),
        ("table-ldap.conf", " ", "basedn", "mailaddr_filter"),
    ],
)
def test_a_mail_server_s_table_finds_an_address(
    serving: Serving, file: str, between: str, base: str, asked: str
) -> None:
    text = pasted("mail-servers.md", file, serving)
    said = dict(line.split(between, 1) for line in text.splitlines())
    typed = re.sub("%[us]", JEAN, said[asked])
    assert said.get("uris", said.get("url")) == serving.url
    assert ask(serving, said[base], typed, ["mail"], scope="one") == {JEAN}


def test_the_lists_of_dovecot_and_sympa_end_before_the_limit(serving: Serving) -> None:
    dovecot = pasted("mail-servers.md", "dovecot-ldap.conf.ext", serving)
    sympa = pasted("mail-servers.md", "sympa list", serving)
    [lists] = re.findall(r"^iterate_filter = (.*)$", dovecot, re.MULTILINE)
    [members] = re.findall(r"^filter (.*)$", sympa, re.MULTILINE)
    assert lists == members
    asked = members.replace("ps31.mssante.fr", "cabinet.mssante.fr")
    assert "reprise@cabinet.mssante.fr" in ask(serving, _BAL, asked, ["mail"], scope="one")


def test_alpine_s_line_finds_somebody(serving: Serving) -> None:
    text = pasted("other-clients.md", "~/.pinerc", serving)
    said = dict(re.findall(r"/(\w+)=([^/\"]*)", text))
    assert f"=127.0.0.1:{serving.port} " in text and (said["impl"], said["srch"]) == ("1", "contains")
    assert JEAN in ask(serving, said["base"], "(|(cn=*dup*)(mail=*dup*))")


def _keys(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_file(io.StringIO(text))
    return parser


@pytest.mark.parametrize("page", sorted(PAGES.glob("[!R]*.md")), ids=lambda page: page.stem)
def test_a_page_says_what_is_sent_and_what_to_check(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "sends" in text.lower() and re.search(r"^## When (it|one) does not work$", text, re.MULTILINE)
    assert f"]({page.name})" in (PAGES / "README.md").read_text(encoding="utf-8")
