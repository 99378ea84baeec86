"""``python -m bench.connections``: what a connection costs, ours beside slapd's: new connection, bind, search, unbind.

That is what Thunderbird does for each query.  Plain, and over TLS with the same certificate for both servers (ECDSA
P-256, RSA 2048), full handshakes and resumed sessions.  Clients are processes of this program, in a closed loop; on two
cores they weigh as much as the server, so that the server's own processor time for a connection is shown too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import socket
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import slapd, workload
from bench.machine import descendants, describe, watch
from bench.requests import search_request

SUFFIX = "o=annuaire-sante,c=fr"
OURS, THEIRS = (3489, 3689), (3490, 3690)  # plain, TLS
BIND = bytes.fromhex("300c020101600702010304008000")
UNBIND = bytes.fromhex("30050201034200")
TICKS = os.sysconf("SC_CLK_TCK")


class Load(NamedTuple):
    """``version`` of TLS, "" for plain; ``resume``: each client goes on with the session it has."""

    name: str
    key: str = ""
    version: str = ""
    resume: bool = False


LOADS = (
    Load("plain"),
    Load("TLS 1.3, ECDSA P-256", "ecdsa", "TLSv1_3"),
    Load("TLS 1.3, ECDSA P-256, resumed", "ecdsa", "TLSv1_3", resume=True),
    Load("TLS 1.2, ECDSA P-256", "ecdsa", "TLSv1_2"),
    Load("TLS 1.3, RSA 2048", "rsa", "TLSv1_3"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.connections", description=__doc__)
    parser.add_argument("--people", type=int, default=5_000, help="of the sample: what is searched is one address")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4, help="processes, one connection each at a time")
    parser.add_argument("--workers", type=int, default=2, help="of ours; slapd has 4 threads")
    parser.add_argument("--cache", default=str(Path(__file__).parent / ".cache"))
    options = parser.parse_args()
    cache = Path(options.cache).resolve()
    sample, data, peer = _prepared(cache, options.people)
    filters = workload.equality(workload.read_known(sample))[:500]
    requests = [search_request(f, f"ou=bal,{SUFFIX}", 100) for f in filters]
    print(f"machine: {describe()}\n")
    print("| a connection | ours | theirs | ratio | ours, CPU | theirs, CPU | ratio | resumed |")
    print("|---|---|---|---|---|---|---|---|")
    for key in ("", "ecdsa", "rsa"):
        certificate = _certificate(cache, key) if key else None
        with ExitStack() as stack:
            ours = stack.enter_context(_ours(data, certificate, options.workers))
            theirs = stack.enter_context(_theirs(peer, certificate))
            for load in (each for each in LOADS if each.key == key):
                _compare(load, {"ours": (ours, OURS), "theirs": (theirs, THEIRS)}, requests, options)


def _prepared(cache: Path, people: int) -> tuple[Path, Path, Path]:
    """Sample, our data, the peer's; kept for the next time."""
    from bench.__main__ import ANNUAIRE

    sample, data, peer = cache / f"sample-{people}", cache / f"data-{people}", cache / f"slapd-{people}"
    env = {"ANNUAIRE_DATA": str(data)}
    if not (sample / "truth.csv").exists():
        watch([ANNUAIRE, "sample", str(sample), "--people", str(people)])
    if not data.exists():
        for command in (["init"], ["import", str(sample)], ["index"]):
            watch([ANNUAIRE, *command], env=env)
    if not peer.exists():
        ldif = cache / "entries.ldif"
        watch([ANNUAIRE, "export", "ldif", "--out", str(ldif)], env=env)
        slapd.load(peer, ldif, SUFFIX)
        ldif.unlink()
    return sample, data, peer


def _certificate(cache: Path, key: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    made, secret = cache / f"{key}.crt", cache / f"{key}.key"
    kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ecdsa" else ["rsa:2048"]
    command = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "30", "-newkey", *kind]
    subprocess.run([*command, "-keyout", secret, "-out", made], check=True, capture_output=True)
    return made, secret


@contextmanager
def _ours(data: Path, certificate: tuple[Path, Path] | None, workers: int) -> Iterator[int]:
    from bench.__main__ import ANNUAIRE

    env = {**os.environ, "ANNUAIRE_DATA": str(data), "ANNUAIRE_WORKERS": str(workers)}
    env |= {"ANNUAIRE_LDAP_PORT": str(OURS[0]), "ANNUAIRE_LDAPS_PORT": str(OURS[1])}
    if certificate:
        env |= {"ANNUAIRE_LDAP_TLS_CERTIFICATE": str(certificate[0]), "ANNUAIRE_LDAP_TLS_KEY": str(certificate[1])}
    with _running([ANNUAIRE, "serve", "ldap"], OURS[1 if certificate else 0], env) as process:
        yield process


@contextmanager
def _theirs(folder: Path, certificate: tuple[Path, Path] | None) -> Iterator[int]:
    config = (folder / "slapd.conf").read_text()
    if certificate:
        config = f"TLSCertificateFile {certificate[0]}\nTLSCertificateKeyFile {certificate[1]}\n{config}"
    chosen = folder / "slapd-tls.conf"
    chosen.write_text(config)
    urls = f"ldap://127.0.0.1:{THEIRS[0]}/ " + (f"ldaps://127.0.0.1:{THEIRS[1]}/" if certificate else "")
    command = [slapd.program("slapd"), "-d", "0", "-f", str(chosen), "-h", urls]
    with _running(command, THEIRS[1 if certificate else 0], dict(os.environ)) as process:
        yield process


@contextmanager
def _running(command: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        slapd.wait_for(port)
        time.sleep(1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _compare(
    load: Load, servers: dict[str, tuple[int, tuple[int, int]]], requests: list[bytes], options: argparse.Namespace
) -> None:
    runs: dict[str, list[tuple[float, float, float]]] = {side: [] for side in servers}
    for _ in range(options.rounds):
        for side, (pid, ports) in servers.items():
            runs[side].append(_measure(pid, ports, load, requests, options))
    rate, cost, reused = ({s: statistics.median(run[n] for run in runs[s]) for s in servers} for n in range(3))
    print(
        f"| {load.name} | {rate['ours']:,.0f}/s | {rate['theirs']:,.0f}/s | {rate['ours'] / rate['theirs']:.2f} x | "
        f"{cost['ours'] * 1e6:.0f} µs | {cost['theirs'] * 1e6:.0f} µs | {cost['theirs'] / cost['ours']:.2f} x | "
        f"{reused['ours']:.0%} / {reused['theirs']:.0%} |",
        flush=True,
    )


def _measure(
    pid: int, ports: tuple[int, int], load: Load, requests: list[bytes], options: argparse.Namespace
) -> tuple[float, float, float]:
    """Connections a second, seconds of the server's processors for one, share of sessions resumed."""
    port = ports[1 if load.version else 0]
    before, since = _processor(pid), time.monotonic()
    with multiprocessing.get_context("fork").Pool(options.clients) as pool:
        work: Callable[[int], tuple[int, int]] = partial(_client, port, load, requests, options.seconds)
        done = pool.map(work, range(options.clients), chunksize=1)
    seconds = time.monotonic() - since
    total, resumed = (sum(column) for column in zip(*done, strict=True))
    return total / min(seconds, options.seconds), (_processor(pid) - before) / total, resumed / total


def _processor(pid: int) -> float:
    """Seconds that a process and its children have had."""
    fields = [Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split() for p in [pid, *descendants(pid)]]
    return sum(int(f[11]) + int(f[12]) for f in fields) / TICKS


def _client(port: int, load: Load, requests: list[bytes], seconds: float, number: int) -> tuple[int, int]:
    context, session = _context(load), None
    chance = random.Random(number)
    done = resumed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client = socket.create_connection(("127.0.0.1", port), 10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without this, a minute of closed connections would use up the ports.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if context:
            client = context.wrap_socket(client, session=session)
            resumed += bool(client.session_reused)
        client.sendall(BIND)
        client.recv(1 << 16)
        client.sendall(chance.choice(requests))
        _until_done(client)
        client.sendall(UNBIND)
        if context and load.resume:
            session = client.session
        client.close()
        done += 1
    return done, resumed


def _until_done(client: socket.socket) -> None:
    """A SearchResultDone is the last, and short."""
    data = b""
    while b"\x65\x07\x0a\x01" not in data[-40:]:
        piece = client.recv(1 << 16)
        if not piece:
            raise SystemExit("connection closed by the server")
        data += piece


def _context(load: Load) -> ssl.SSLContext | None:
    if not load.version:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion[load.version]
    return context


if __name__ == "__main__":
    main()
