"""What a public directory receives in ten minutes, well meant or not.  Each actor is a loop in a thread of its own.

Well meant: the filters of every client through libldap, operators who bind, pages, HTTP.  Not: noise, damaged
messages, halves of messages, resets, clients that do not read or that write an octet at a time.  An actor counts the
result codes it is given; what it expects to be cut off for is no error.
"""

from __future__ import annotations

import random
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import ldap
from ldap.controls import SimplePagedResultsControl

from fuzz.seeds import messages

SUFFIX = "o=annuaire-sante,c=fr"
BAL = f"ou=bal,{SUFFIX}"
# ldap-clients.md §2; {0} is what was typed.
FILTERS = [
    "(|(cn=*{0}*)(mail=*{0}*)(givenName=*{0}*)(sn=*{0}*))",
    "(&(mail=*)(|(mail={0}*)(|(cn={0}*)(|(sn={0}*)(givenName={0}*)))))",
    "(&(objectClass=*)(|(cn={0}*)(mail={0}*)(sn={0}*)))",
    "(|(givenname={0}*)(sn={0}*)(cn={0}*)(mail={0}*))",
    "(|(displayName={0}*)(mail={0}*)(displayName=*{0}*)(mail=*{0}*)(|(cn={0}*)(sn={0}*)))",
    "(&(objectClass=inetOrgPerson)(|(cn=*{0}*)(givenName=*{0}*)(sn=*{0}*)(mail=*{0}*)))",
    "(|(sn=*{0}*)(displayname=*{0}*)(cn=*{0}*)(mail=*{0}*)(telephonenumber=*{0}*))",
    "(&(|(objectclass=person)(objectclass=groupOfNames)(mail=*))(|(cn={0}*)(mail={0}*)(mail=*@{0}*)(sn={0}*)))",
    "(mail={0}@medecin.mssante.fr)",
    "(cn~={0})",
    "(!(cn={0}*))",
]
TYPED = ["m", "ma", "mar", "martin", "le", "dubois", "jean", "zq", "hel", "d'a", "saint", "é"]
NEVER = {1, 2, 80}  # operationsError, protocolError, other: not for well-meant questions


@dataclass
class Target:
    """Where to send, until when, and what came back."""

    ldap_port: int
    http_port: int
    operator: str
    secret: str
    done: threading.Event = field(default_factory=threading.Event)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def count(self, actor: str, code: object, *, wrong: bool = False) -> None:
        self.answers[f"{actor}: {code}"] += 1
        if wrong:
            self.wrong[f"{actor}: {code}"] += 1


# --- well meant -----------------------------------------------------------------------------------------------------


@contextmanager
def libldap(target: Target, *who: str) -> Iterator[ldap.ldapobject.SimpleLDAPObject]:
    connection = ldap.initialize(f"ldap://127.0.0.1:{target.ldap_port}")
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, 10)
    connection.set_option(ldap.OPT_TIMEOUT, 20)
    try:
        connection.simple_bind_s(*who)
        yield connection
    finally:
        connection.unbind_s()


def asked(target: Target, actor: str, step: Callable[[], object]) -> None:
    """Counts the outcome of one question."""
    try:
        step()
    except ldap.LDAPError as error:
        code = error.args[0].get("result", "?") if error.args else "?"
        target.count(actor, code, wrong=code in NEVER or code == "?")
    else:
        target.count(actor, 0)


def address_books(target: Target, dice: random.Random) -> None:
    """A new connection for each question, as Thunderbird; some are left open, as Thunderbird leaks them."""
    found = dice.choice(FILTERS).format(dice.choice(TYPED))
    with libldap(target) as connection:
        asked(target, "address books", lambda: connection.search_ext_s(BAL, ldap.SCOPE_SUBTREE, found, sizelimit=100))


def long_connections(target: Target, dice: random.Random) -> None:
    """Postfix and webmails: many questions on one connection, some abandoned."""
    with libldap(target) as connection:
        for _ in range(dice.randint(5, 60)):
            found = dice.choice(FILTERS).format(dice.choice(TYPED))
            number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, found, ["cn", "mail"])
            if dice.random() < 0.2:
                connection.abandon_ext(number)
            else:
                asked(target, "long connections", lambda number=number: connection.result(number, timeout=20))


def operators(target: Target, dice: random.Random) -> None:
    """Right and wrong secrets, then pages to the end or half way."""
    if dice.random() < 0.3:
        with suppress(ldap.LDAPError), libldap(target, target.operator, "wrong"):
            target.count("operators", "a wrong secret was taken", wrong=True)
        return
    with libldap(target, target.operator, target.secret) as connection:
        control = SimplePagedResultsControl(True, size=dice.randint(10, 200), cookie="")
        for _ in range(dice.randint(1, 30)):
            number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, "(mail=*)", ["mail"], serverctrls=[control])
            try:
                control.cookie = connection.result3(number, timeout=20)[3][0].cookie
            except ldap.PROTOCOL_ERROR:  # the index was swapped: the cookie is of another build
                target.count("operators", "page of another build")
                return
            target.count("operators", 0)
            if not control.cookie:
                return


def http(target: Target, dice: random.Random) -> None:
    word = urllib.parse.quote(dice.choice(TYPED))
    paths = [
        f"/v1/suggest?q={word}",
        f"/v1/search?q={word}&limit=20",
        "/v1/status",
        "/v1/nothing",
        "/metrics",
        "/readyz",
    ]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{target.http_port}{dice.choice(paths)}", timeout=20) as answer:
            answer.read()
            target.count("http", answer.status)
    except urllib.error.HTTPError as error:
        target.count("http", error.code, wrong=error.code >= 500)
        error.close()


# --- not ------------------------------------------------------------------------------------------------------------

_MESSAGES = messages()


@contextmanager
def raw(target: Target) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", target.ldap_port), timeout=5) as client:
        yield client


def noise(target: Target, dice: random.Random) -> None:
    """Octets of no meaning, or messages with some octets changed; reads what comes until it is cut off."""
    with raw(target) as client:
        for _ in range(dice.randint(1, 30)):
            data = bytearray(dice.choice(_MESSAGES) if dice.random() < 0.8 else dice.randbytes(dice.randint(1, 300)))
            for _ in range(dice.randint(0, 4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            client.sendall(data)
        client.settimeout(0.2)
        with suppress(TimeoutError):
            while client.recv(65536):
                pass
    target.count("noise", "sent")


def halves(target: Target, dice: random.Random) -> None:
    """Half a message, then silence for a while or the end."""
    with raw(target) as client:
        data = dice.choice(_MESSAGES)
        client.sendall(data[: dice.randrange(1, len(data))])
        target.done.wait(dice.choice([0, 0, 0, 1, 3]))
    target.count("halves", "sent")


def resets(target: Target, dice: random.Random) -> None:
    """Questions, and a reset before or amid their answers."""
    with raw(target) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.sendall(b"".join(dice.choices(_MESSAGES, k=dice.randint(1, 40))))
        if dice.random() < 0.5:
            client.recv(100)
    target.count("resets", "sent")


def slow_readers(target: Target, dice: random.Random) -> None:
    """Megabytes of questions whose answers are read not at all, then a little."""
    block = _MESSAGES[0] * 200
    with raw(target) as client:
        client.settimeout(1)
        with suppress(TimeoutError):
            for _ in range(50):
                client.sendall(block)
        for _ in range(dice.randint(0, 20)):
            client.recv(4096)
            target.done.wait(0.05)
    target.count("slow readers", "held")


def slow_writers(target: Target, dice: random.Random) -> None:
    """A message an octet at a time, never finished."""
    with raw(target) as client:
        for octet in dice.choice(_MESSAGES)[:-1]:
            client.sendall(bytes([octet]))
            if target.done.wait(0.05):
                break
    target.count("slow writers", "held")


def leaks(target: Target, dice: random.Random) -> None:
    """Connections opened and forgotten, until the server closes them."""
    held = [socket.create_connection(("127.0.0.1", target.ldap_port), timeout=20) for _ in range(dice.randint(1, 30))]
    for client in held:
        with suppress(TimeoutError, OSError):
            if not target.done.is_set():
                client.recv(1000)
        client.close()
    target.count("leaks", "closed")


# actor, threads of it, seconds between two turns
ACTORS: list[tuple[Callable[[Target, random.Random], None], int, float]] = [
    (address_books, 2, 0.005), (long_connections, 1, 0.02), (operators, 1, 0.2), (http, 1, 0.02),
    (noise, 1, 0.02), (halves, 3, 0.02), (resets, 1, 0.02), (slow_readers, 1, 0.5), (slow_writers, 2, 0.1),
    (leaks, 1, 0.5),
]  # fmt: skip


def start(target: Target, seed: int) -> list[threading.Thread]:
    """One thread for each turn of each actor; they end soon after ``target.done`` is set."""
    threads = []
    for act, count, pause in ACTORS:
        for n in range(count):
            dice = random.Random(f"{seed} {act.__name__} {n}")
            threads.append(threading.Thread(target=_repeat, args=(act, target, dice, pause)))
    for thread in threads:
        thread.start()
    return threads


def _repeat(act: Callable[[Target, random.Random], None], target: Target, dice: random.Random, pause: float) -> None:
    while not target.done.wait(pause):
        try:
            act(target, dice)
        except ldap.LDAPError as error:
            target.count(act.__name__, type(error).__name__, wrong=isinstance(error, ldap.SERVER_DOWN))
        except OSError:
            target.count(act.__name__, "cut off")
