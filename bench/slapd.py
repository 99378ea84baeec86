"""OpenLDAP on loopback with our entries: the peer that every LDAP figure is a ratio of.

back-mdb with ``eq,sub`` indexes on mail, cn, sn, givenName and displayName, ``eq`` on asRpps, read-only
in use, no access rules, 2 threads per core.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import Cost, watch

SCHEMA = Path(__file__).parent.parent / "ldap_schema" / "definitions"
_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
{includes}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
threads 4
database mdb
suffix "{suffix}"
directory {folder}/data
maxsize 68719476736
index objectClass eq
index mail,cn,sn,givenName,displayName eq,sub
index asRpps eq
sizelimit unlimited
"""


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"{name} is missing: apt-get install slapd ldap-utils")
    return found


def load(folder: Path, ldif: Path, suffix: str) -> Cost:
    """``slapadd -q`` of one LDIF file into an empty database."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    ours = [SCHEMA / "hpd.schema", SCHEMA / "annuaire.schema"]  # the rest is slapd's own
    includes = "\n".join(f"include {p}" for p in ours)
    (folder / "slapd.conf").write_text(_CONFIG.format(includes=includes, folder=folder, suffix=suffix))
    return watch([program("slapadd"), "-q", "-f", str(folder / "slapd.conf"), "-l", str(ldif)])


def keep_boxes(ldif: Path) -> None:
    """Leaves the containers and ``ou=bal``: two million people with their indexes take slapadd more than an hour."""
    kept = ldif.with_suffix(".bal")
    with ldif.open(encoding="utf-8") as lines, kept.open("w", encoding="utf-8") as out:
        keep = True
        for line in lines:
            if line.startswith("dn:"):
                others = (",ou=personnes,", ",ou=structures,")
                keep = not any(o in _dn(line) for o in others)
            if keep:
                out.write(line)
    kept.replace(ldif)


def _dn(line: str) -> str:
    return base64.b64decode(line[5:]).decode() if line.startswith("dn::") else line


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    """slapd in the foreground until the block ends."""
    command = [program("slapd"), "-d", "0", "-f", str(folder / "slapd.conf"), "-h", f"ldap://127.0.0.1:{port}/"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port: int, seconds: float = 60) -> None:
    """Until something listens on the loopback port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens on port {port} after {seconds:.0f} s")
