"""What ``annuaire serve`` tells those who run it, and what it tells nobody: names, addresses, values, queries."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from e2e.installation import Installation, Server, start, until
from ldap_support import (
    Client,
    Reply,
    abandon,
    bind,
    bind_sasl,
    compare,
    encode_filter,
    extended,
    paged,
    request,
    search,
    unbind,
)

from directory_service.accesslog import FIELDS
from directory_service.index.directory import Directory
from directory_service.index.query import Approx, Equal, GreaterOrEqual, LessOrEqual, Present, Substrings
from directory_service.ldap.ber import octets, tlv
from directory_service.ldap.messages import Control
from directory_service.web.app import create_app

CANARY = "zqcanari"
RAW = CANARY.encode()
PATIENT = "255081416802538"


@pytest.fixture(scope="module")
def running(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Server]]:
    here = loaded.copy(tmp_path_factory.mktemp("observed") / "copy")
    here.env["ANNUAIRE_ACCESS_LOG"] = str(here.folder / "access.log")
    here.run("operator", "add", "essai", "--domain", "medecin.mssante.fr")
    here.env["SECRET"] = json.loads(here.run("operator", "secret", "essai", "--json").stdout)["secret"]
    here.run("index")
    server = start(here)
    try:
        server.wait_for("Ctrl-C")
        yield here, server
    finally:
        assert server.stop() == 0, server.said


def lines(here: Installation, face: str = "") -> list[dict[str, object]]:
    log = Path(here.env["ANNUAIRE_ACCESS_LOG"])
    whole = log.read_text(encoding="utf-8").rpartition("\n")[0] if log.exists() else ""  # the last may be under way
    found = [json.loads(line) for line in whole.splitlines()]
    return [line for line in found if not face or line["face"] == face]


def metrics(here: Installation) -> str:
    with urllib.request.urlopen(here.http + "/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def value(text: str, name: str) -> float:
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def ask(here: Installation, *sent: bytes) -> list[Reply]:
    with Client(here.ldap_port) as client:
        client.send(b"".join(sent))
        return client.read(len(sent))


_EVERYWHERE = (
    bind(f"cn={CANARY},ou=operateurs,o=annuaire-sante,c=fr", CANARY),
    bind(CANARY, CANARY),
    bind_sasl(CANARY),
    *(search(asked, attributes=(CANARY, "mail"))
      for asked in (Equal("cn", RAW), Equal(CANARY, RAW), Present(CANARY), Substrings("sn", RAW, (RAW,), RAW),
                    GreaterOrEqual("cn", RAW), LessOrEqual("mail", RAW), Approx("sn", RAW), Equal("mail", RAW))),
    search(tlv(0xA9, tlv(0x81, RAW) + tlv(0x82, RAW) + tlv(0x83, RAW))),
    search(encode_filter(Equal("cn", RAW))[:-1] + b"\xff"),
    search(base=f"uid={CANARY},ou=bal,o=annuaire-sante,c=fr", scope=0),
    search(base=f"ou={CANARY},o=annuaire-sante,c=fr"),
    search(base=CANARY),
    search("(cn=a)", 1, Control(CANARY, True, RAW)),
    search("(cn=a)", 1, Control(CANARY, False, RAW)),
    search("(cn=a)", 1, paged(5, RAW)),
    search("(cn=a)", 1, Control("1.2.840.113556.1.4.319", True, RAW)),
    compare(f"uid={CANARY},ou=bal,o=annuaire-sante,c=fr", CANARY, CANARY),
    compare(CANARY, "cn", CANARY),
    compare("ou=bal,o=annuaire-sante,c=fr", "ou", CANARY),
    extended(CANARY),
    *(request(1, tlv(tag, RAW)) for tag in (0x66, 0x68, 0x4A, 0x6C)),
    request(1, tlv(0x68, octets(CANARY))),
    request(1, tlv(0x7F, RAW)),
    RAW + b"\r\n\r\n",
)  # fmt: skip


def test_what_was_asked_and_by_whom_stays_out_of_logs_and_metrics(running: tuple[Installation, Server]) -> None:
    here, server = running
    before = len(lines(here, "ldap"))
    for sent in _EVERYWHERE:
        with Client(here.ldap_port) as client:
            client.ask(sent)
            client.send(abandon(7, 8) + unbind(9))
    found = ask(here, search("(mail=*)", size=3))
    ask(here, search(f"(mail={found[0].attributes['mail'][0]})"), search(base=found[0].dn, message_id=2, scope=0))
    _ask_http(here)
    until(lambda: len(lines(here, "ldap")) >= before + len(_EVERYWHERE) + 3)
    told = [json.dumps(lines(here)), metrics(here), server.said.partition("Ctrl-C")[2]]
    # Whatever else writes a log; what the server says is read above, after the example that it shows when it is ready.
    others = [path for path in here.folder.rglob("*.log*") if not path.name.startswith("serve-")]
    told += [path.read_text(encoding="utf-8", errors="replace") for path in others]
    secrets = {CANARY, PATIENT, base64.b64encode(RAW).decode(), here.env["SECRET"], RAW.hex()}
    for reply in found[:-1]:
        secrets |= {reply.dn, *(v for name in ("mail", "uid", "sn", "cn") for v in reply.attributes.get(name, ()))}
    assert [secret for secret in secrets for text in told if secret.lower() in text.lower()] == []


def _every_route() -> Iterator[tuple[str, str]]:
    """Each method of each route, its parts all marked: those that are written after this test too."""
    with contextlib.closing(Directory(Path("nowhere"), "o=x")) as directory:
        for rule in create_app(directory).url_map.iter_rules():
            path = re.sub("<[^>]*>", CANARY, rule.rule)
            yield from ((method, f"{path}?{CANARY}={CANARY}&q={CANARY}") for method in sorted(rule.methods or ()))
            yield from ((method, path) for method in sorted(rule.methods or ()))


def _questions() -> Iterator[dict[str, object]]:
    """That are well formed, of an operator and of nobody."""
    for address in (f"{CANARY}@medecin.mssante.fr", f"{CANARY}@{CANARY}.fr", f"{PATIENT}@patient.mssante.fr"):
        for receipt in (False, True, "private"):
            yield {"address": address, "person": CANARY, "name": f"{CANARY} {CANARY}", "receipt": receipt}
            yield {"address": address, "as": "sender", "operator": CANARY, "receipt": receipt}
    yield {"address": CANARY, CANARY: 1}
    yield {"address": f"{CANARY}@medecin.mssante.fr", "at": CANARY}


def _ask_http(here: Installation) -> None:
    host = here.http.partition("//")[2]
    kind = {"Content-Type": "application/json"}
    batch = "\n".join(map(json.dumps, _questions()))
    written = json.dumps({"address": f"{CANARY}@medecin.mssante.fr", "description": CANARY, CANARY: CANARY})
    bearer = {"Authorization": f"Bearer {here.env['SECRET']}"}
    marked = [(method, path, kind | who, written) for method, path in _every_route() for who in ({}, bearer)]
    asked = [("POST", "/v1/verify", kind | who, json.dumps(q)) for q in _questions() for who in ({}, bearer)]
    for method, path, headers, body in (
        *marked,
        *asked,
        ("POST", "/v1/verify/batch", kind, batch),
        ("GET", f"/v1/suggest?q={CANARY}", {}, None),
        ("GET", f"/v1/search?family={CANARY}&{CANARY}=1", {}, None),
        ("GET", f"/v1/mailboxes/{CANARY}@{CANARY}.fr", {}, None),
        ("GET", f"/{CANARY}", {CANARY: CANARY}, None),
        (CANARY.upper(), "/v1/status", {}, None),
        ("GET", "/v1/suggest?q=a", {"Authorization": f"Bearer {CANARY}.{CANARY}"}, None),
    ):
        connection = http.client.HTTPConnection(host, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            assert connection.getresponse().read() is not None


def _of_essai(here: Installation, before: int) -> list[dict[str, object]]:
    """The new lines of the operator: those of others, asked before, may still be on their way to the file."""
    return [line for line in lines(here)[before:] if line.get("identity") == "essai"]


def test_a_line_says_who_what_how_much_and_how_long(running: tuple[Installation, Server]) -> None:
    here, _ = running
    before = len(lines(here))
    operator = bind("cn=essai,ou=operateurs,o=annuaire-sante,c=fr", here.env["SECRET"], 1)
    ask(here, operator, search("(&(cn=*mar*)(mail=*))", 2, size=2, base="ou=bal,o=annuaire-sante,c=fr"))
    opener = urllib.request.Request(
        here.http + "/v1/suggest?q=mar", headers={"Authorization": f"Bearer {here.env['SECRET']}"}
    )
    with urllib.request.urlopen(opener, timeout=30) as answer:
        size = len(answer.read())
    until(lambda: len(_of_essai(here, before)) >= 3)
    bound, searched, suggested = sorted(_of_essai(here, before), key=lambda line: str(line["face"] == "http"))[:3]
    assert (bound["operation"], bound["code"], bound["identity"]) == ("bind", 0, "essai")
    assert {**searched, "ms": 0, "bytes": 0, "at": "", "worker": 0, "connection": 0} == {
        "face": "ldap", "address": "127.0.0.0/24", "identity": "essai", "operation": "search", "base": "bal",
        "scope": "subtree", "filter": "(&(cn=*_*)(mail=*))", "entries": 2, "code": 4,
        "ms": 0, "bytes": 0, "at": "", "worker": 0, "connection": 0,
    }  # fmt: skip
    assert float(str(searched["ms"])) > 0 and int(str(searched["bytes"])) > 500
    assert (suggested["route"], suggested["status"], suggested["bytes"]) == ("/v1/suggest", 200, size)
    assert (suggested["operation"], suggested["identity"]) == ("GET", "essai")
    assert {field for line in lines(here) for field in line} <= FIELDS.keys()


def test_metrics_of_both_faces_of_the_index_and_of_the_follower_are_in_one_place(
    running: tuple[Installation, Server],
) -> None:
    here, _ = running
    looked_up = 'annuaire_ldap_operations_total{code="0",operation="lookup"}'
    before = value(metrics(here), looked_up)
    for _ in range(8):  # whichever worker the kernel chooses
        ask(here, search("(mail=nobody@nowhere.fr)"))
    until(lambda: value(metrics(here), looked_up) == before + 8)
    text = metrics(here)
    for name in ("annuaire_http_requests_total", "annuaire_ldap_connections_total", "annuaire_index_data_age_seconds",
                 'annuaire_source_age_seconds{source="rpps.activity"}', "annuaire_index_up 1.0",
                 'annuaire_ldap_operation_seconds_bucket{le="+Inf",operation="lookup"}'):  # fmt: skip
        assert name in text
    assert value(text, "annuaire_follower_lag_changes") == 0
    assert value(text, "annuaire_follower_up") == 1
    assert (
        value(text, "annuaire_journal_sequence ")
        == value(text, "annuaire_index_sequence ")
        == value(text, "annuaire_ldap_index_sequence ")
        > 0
    )
    assert re.search(r'annuaire_ldap_limit_total\{limit="harvest"\} 0\.0', text)


def test_a_registry_that_is_down_is_told_apart_from_one_where_nothing_changes(
    running: tuple[Installation, Server],
) -> None:
    here, _ = running
    registry = Path(here.env["ANNUAIRE_DATA"]) / "registry.sqlite"
    registry.rename(registry.with_suffix(".away"))
    until(lambda: value(metrics(here), "annuaire_follower_up") == 0)
    registry.with_suffix(".away").rename(registry)
    until(lambda: value(metrics(here), "annuaire_follower_up") == 1)


def _receipt(here: Installation) -> str:
    asked = json.dumps({"address": "x@medecin.mssante.fr", "receipt": True}).encode()
    sent = urllib.request.Request(here.http + "/v1/verify", asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=30) as answer:
        return str(json.load(answer)["receipt"])


def test_workers_sign_with_a_new_key_without_a_restart_and_publish_both(running: tuple[Installation, Server]) -> None:
    here, _ = running
    before = _receipt(here)
    kid = json.loads(here.run("keys", "rotate", "--json").stdout)["kid"]
    until(lambda: all(jwt.get_unverified_header(_receipt(here))["kid"] == kid for _ in range(8)))
    kept = here.folder / "jwks.json"

    def published() -> bool:
        """Each worker looks for keys by itself: another may sign with one that this one has not seen yet."""
        with urllib.request.urlopen(here.http + "/.well-known/jwks.json", timeout=30) as answer:
            kept.write_bytes(answer.read())
        return kid in kept.read_text()

    until(published)
    for receipt in (before, _receipt(here)):
        here.run("keys", "check", receipt, "--jwks", str(kept))


def test_the_log_follows_its_name(running: tuple[Installation, Server]) -> None:
    """logrotate moves the file away; the next lines are in a new one."""
    here, _ = running
    log = Path(here.env["ANNUAIRE_ACCESS_LOG"])
    ask(here, search("(mail=nobody@nowhere.fr)"))
    until(log.exists)
    log.rename(log.with_suffix(".1"))

    def fresh() -> bool:
        ask(here, search("(mail=nobody@nowhere.fr)"))
        return log.exists()

    until(fresh)
    assert lines(here)
