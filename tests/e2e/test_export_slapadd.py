"""``annuaire export ldif`` of a sample with every defect, loaded by OpenLDAP with schema checks on (issue: schema)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import ldif
import pytest
from conftest import missing
from e2e.installation import Installation, installation

from directory_service.entries.entry import CLASSES

THEIRS = Path("/etc/ldap/schema")
OURS = Path(__file__).parents[2] / "ldap_schema" / "definitions"
SUFFIX = "o=annuaire-sante,c=fr"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/usr/lib/openldap"


def program(name: str) -> str:
    found = shutil.which(name, path=SYSTEM_PATH)
    if not found or not THEIRS.is_dir():
        missing(f"{name} (Debian: slapd)")
    return str(found)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    here: Installation = installation(tmp_path_factory.mktemp("defects"))
    here.run("sample", "extracts", "--people", "500", "--seed", "11", "--defects", "0.04")
    here.run("init")
    here.run("import", "extracts")
    here.run("index")
    here.run("export", "ldif", "--out", "all.ldif")
    yield here.folder / "all.ldif"


def test_slapadd_takes_the_whole_export_with_schema_checks_on(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    schemas = [THEIRS / f"{n}.schema" for n in ("core", "cosine", "inetorgperson")]
    schemas += [OURS / f"{n}.schema" for n in ("hpd", "annuaire")]
    lines = [f"include {path}" for path in schemas]
    lines += ["modulepath /usr/lib/ldap", "moduleload back_mdb", "database mdb", f'suffix "{SUFFIX}"']
    configuration = tmp_path / "slapd.conf"
    configuration.write_text("\n".join([*lines, f"directory {tmp_path}/db", "maxsize 1073741824", ""]))
    done = subprocess.run(
        [program("slapadd"), "-q", "-f", str(configuration), "-l", str(exported)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    kept = subprocess.run(
        [program("slapcat"), "-f", str(configuration)], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert kept.count("\ndn: ") + kept.startswith("dn: ") == len(records(exported)) > 800


def records(file: Path) -> list[tuple[str, dict[str, list[bytes]]]]:
    with file.open("rb") as stream:
        parser = ldif.LDIFRecordList(stream)
        parser.parse()
    return list(parser.all_records)


def test_the_export_holds_every_kind_of_entry_and_every_class(exported: Path) -> None:
    """Else the load above would prove little."""
    held = records(exported)
    classes = {c.decode() for _, entry in held for c in entry["objectClass"]}
    assert classes >= {c for names in CLASSES.values() for c in names} | {"organizationalUnit"}
    types = {t.decode() for _, entry in held for t in entry.get("asMailboxType", ())}
    assert types >= {"PER", "ORG"}  # the sample has few of the others: tests/spec/test_schema_loads_in_slapd.py has all
    names = {name for _, entry in held for name in entry}
    assert names >= {"HcSpecialisation", "asAdeli", "asFiness", "asSiret", "asPaperless", "facsimileTelephoneNumber",
                     "description", "personalTitle", "hpdMedicalRecordsDeliveryEmailAddress"}  # fmt: skip
