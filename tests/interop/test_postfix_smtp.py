"""docs/howto/postfix-smtp-checks.md, put to work: a real Postfix on loopback, configured as the page says, asks a real
``annuaire serve`` before it takes a message."""

from __future__ import annotations

import os
import shutil
import smtplib
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import web_world
from certificates import Authority
from e2e.installation import Installation, free_port, installation, start
from pages import DOCS, blocks
from record_factories import SUFFIX

from directory_service.index.follower import Follower
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.trust.certificates import PIN, read_certificate

PAGE = DOCS / "howto" / "postfix-smtp-checks.md"
SBIN = Path("/usr/lib/postfix/sbin")
ZOE, JEAN = "zoe.d-essai@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr"
UNKNOWN, CLOSED, HIDDEN = ("personne@medecin.mssante.fr", "ancienne@medecin.mssante.fr", "cachee@medecin.mssante.fr")
THEIRS, THIRD = "accueil@voisin.mssante.fr", "accueil@tiers.mssante.fr"

# What Debian's master.cf has, without a chroot, and nothing leaves.
_MASTER = """
{mx} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
error unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""
_MAIN = """
compatibility_level = 3.6
queue_directory = {here}/queue
data_directory = {here}/data
daemon_directory = {sbin}
command_directory = /usr/sbin
maillog_file = {here}/mail.log
maillog_file_prefixes = {here}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
alias_maps =
mynetworks =
default_transport = discard:
relay_transport = discard:
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_peername_lookup = no
"""


class _Auth(socketserver.StreamRequestHandler):
    """Dovecot's authentication protocol, as far as Postfix asks: PLAIN, and every password is right."""

    def handle(self) -> None:
        self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tc\nDONE\n")
        for line in self.rfile:
            verb, number, *rest = [*line.rstrip(b"\n").split(b"\t"), b""]
            if verb == b"AUTH":
                [told] = [part[5:] for part in rest if part.startswith(b"resp=")]
                user = b64decode(told).split(b"\0")[1]
                self.wfile.write(b"OK\t" + number + b"\tuser=" + user + b"\n")


class World(NamedTuple):
    mx: int
    submission: int
    authority: Authority
    voisin: Path  # its client certificate
    annuaire: Path  # the folder of its data
    policy: int
    log: Path

    def say(self, sender: str, recipient: str, *, login: str = "", certificate: Path | None = None) -> tuple[int, str]:
        """The reply to a whole message: to the one that refuses it, or to its end."""
        with smtplib.SMTP("127.0.0.1", self.submission if login else self.mx, timeout=60) as client:
            if login or certificate:
                context = ssl.create_default_context(cafile=str(self.authority.path))
                if certificate:
                    context.load_cert_chain(certificate)
                client._host = "localhost"  # what the certificate is for
                client.starttls(context=context)
            client.ehlo()
            if login:
                client.login(login, "secret")
            for step in (lambda: client.mail(sender), lambda: client.rcpt(recipient), lambda: client.data(b"Bonjour")):
                code, text = step()
                if code >= 400:
                    break
            return code, text.decode()


@pytest.fixture(scope="module")
def world(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    program("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix's master wants root")
    folder = tmp_path_factory.mktemp("annuaire")
    authority = Authority(folder, "Postes")
    voisin = authority.client("voisin")
    _fill(folder, voisin)
    ports = {name: free_port() for name in ("ldap", "http", "policy", "mx", "submission")}
    auth = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Auth)
    auth.daemon_threads = True
    threading.Thread(target=auth.serve_forever, daemon=True).start()
    here = Path(tempfile.mkdtemp(prefix="annuaire-postfix-"))  # not pytest's own, which is closed to Postfix's account
    try:
        with (
            _annuaire(folder, "ldap", ports),
            _annuaire(folder, "policy", ports),
            _postfix(here, authority, ports, auth.server_address[1]),
        ):
            yield World(ports["mx"], ports["submission"], authority, voisin, folder, ports["policy"], here / "mail.log")
    finally:
        auth.shutdown()
        auth.server_close()
        shutil.rmtree(here, ignore_errors=True)


def _fill(folder: Path, voisin: Path) -> None:
    directory, _ = web_world.build_world(folder)
    directory.close()
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    with writing(engine) as connection:
        operators.add_operator(connection, "voisin", ["voisin.mssante.fr"], actor="test")
        operators.add_operator(connection, "tiers", ["tiers.mssante.fr"], actor="test")
        rule = read_certificate(voisin.read_bytes()).rule(PIN)
        operators.add_certificate(connection, "voisin", rule, actor="test")
    Follower(engine, folder / "index", SUFFIX).catch_up()
    engine.dispose()


@contextmanager
def _annuaire(folder: Path, part: str, ports: dict[str, int]) -> Iterator[None]:
    """One part of ``annuaire serve``, by the settings of the page."""
    [toml] = [block.text for block in blocks(PAGE) if block.file == "annuaire.toml"]
    (folder / "annuaire.toml").write_text(toml.replace("10045", str(ports["policy"])))
    env = installation(folder).env | {"ANNUAIRE_DATA": str(folder), "ANNUAIRE_WORKERS": "1"}
    env["ANNUAIRE_LDAP_PORT"] = str(ports["ldap"])
    server = start(Installation(folder, env), part)
    try:
        server.wait_for("Ctrl-C")
        yield
    finally:
        assert server.stop() == 0, server.said


@contextmanager
def _postfix(here: Path, authority: Authority, ports: dict[str, int], auth: int) -> Iterator[None]:
    """Configured by the page, in a folder of its own."""
    config = here / "config"
    for name in (here, config, here / "queue", here / "data"):
        name.mkdir(exist_ok=True)
        name.chmod(0o755)
    shutil.chown(here / "data", "postfix")
    page = {Path(block.file).name: block.text for block in blocks(PAGE) if block.file}
    files = {
        "main.cf": _MAIN.format(here=here, sbin=SBIN, auth=auth) + page["main.cf"],
        "master.cf": _MASTER.format(mx=ports["mx"])
        + page["master.cf"].replace("submission", str(ports["submission"]), 1),
        "annuaire-logins.cf": page["annuaire-logins.cf"],
        "server.pem": authority.server().read_text(),
        "ca.pem": authority.path.read_text(),
    }
    changes = {"/etc/postfix": str(config), "annuaire.example.org:1389": f"127.0.0.1:{ports['ldap']}"}
    for name, text in files.items():
        for old, new in {**changes, "127.0.0.1:10045": f"127.0.0.1:{ports['policy']}"}.items():
            text = text.replace(old, new)
        (config / name).write_text(text)
        os.utime(config / name, (0, 0))
    command = ["postfix", "-c", str(config)]
    done = subprocess.run([*command, "start"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + _said(here)
    try:
        yield
    finally:
        subprocess.run([*command, "stop"], capture_output=True, timeout=60)


def _said(here: Path) -> str:
    log = here / "mail.log"
    return log.read_text() if log.exists() else ""


def queued(world: World) -> int:
    """Messages taken and handed to the discard transport so far."""
    return _said(world.log.parent).count("status=sent")


def test_a_good_message_passes(world: World) -> None:
    before = queued(world)
    assert world.say(ZOE, JEAN, login=ZOE)[0] == 250
    assert world.say(THEIRS, ZOE)[0] == 250
    assert world.say(THEIRS, ZOE, certificate=world.voisin)[0] == 250
    assert world.say("", HIDDEN)[0] == 250
    deadline = time.monotonic() + 60
    while queued(world) < before + 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queued(world) == before + 4, _said(world.log.parent)


@pytest.mark.parametrize(
    ("sender", "recipient", "login", "says"),
    [
        (
            THEIRS,
            UNKNOWN,
            "",
            "5.1.1 <personne@medecin.mssante.fr>: Recipient address rejected: Cette boite n'existe pas",
        ),
        (THEIRS, CLOSED, "", "5.2.1 <ancienne@medecin.mssante.fr>: Recipient address rejected: Cette boite est fermee"),
        (ZOE, UNKNOWN, ZOE, "Cette boite n'existe pas"),
        (ZOE, CLOSED, ZOE, "Cette boite est fermee depuis le 2026-06-01"),
        (ZOE, "quelqu-un@ailleurs.example", ZOE, "pas de l'espace de confiance"),
        (THEIRS, JEAN, ZOE, "5.7.1 "),  # a user of ours as somebody of another operator
        (JEAN, JEAN, ZOE, "not owned by user"),  # or as another user: the LDAP table
        (ZOE, JEAN, "", "authentifiez-vous"),  # our domain, from outside
        (ZOE + ".", JEAN, "", "authentifiez-vous"),  # in the ways to write it that Postfix knows
        ("medecin.mssante.fr!zoe.d-essai", JEAN, "", "authentifiez-vous"),
        ("zoe.d-essai%medecin.mssante.fr", JEAN, "", "authentifiez-vous"),
        (THEIRS, CLOSED + ".", "", "Cette boite est fermee"),
        ('"a b"@ailleurs.example', JEAN, "", "pas de l'espace de confiance"),
        ("a", JEAN, "", "pas de l'espace de confiance"),
        ("a@ailleurs.example", JEAN, "", "pas de l'espace de confiance"),
        (CLOSED, JEAN, CLOSED, "5.7.1 "),
    ],
)
def test_a_bad_one_is_refused_with_a_reason(world: World, sender: str, recipient: str, login: str, says: str) -> None:
    code, text = world.say(sender, recipient, login=login)
    assert code in (550, 553) and says in text, (code, text)


def test_a_server_may_only_send_for_the_operator_whose_key_it_holds(world: World) -> None:
    code, text = world.say(THIRD, ZOE, certificate=world.voisin)
    assert (code, "que votre operateur ne tient pas" in text) == (553, True), text
    assert world.say(ZOE, ZOE, certificate=world.voisin)[0] == 553
    assert world.say(THIRD, ZOE)[0] == 250  # nobody knows whose server it is


def test_postfix_complains_of_nothing(world: World) -> None:
    world.say(THEIRS, UNKNOWN)
    said = _said(world.log.parent)
    assert not [line for line in said.splitlines() if ": warning:" in line or ": fatal:" in line or ": panic:" in line]
