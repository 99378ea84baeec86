"""OpenLDAP takes our schema beside its own, and our entries under it, with schema checks on (contract.md §2)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from directory_service.entries import (
    Entry,
    container_entries,
    mailbox_entry,
    organization_entry,
    practitioner_entry,
)
from directory_service.entries.export import ldif
from directory_service.ldap.dn import normalise
from tests import record_factories as make
from tests.conftest import missing
from tests.record_strategies import bindings, organizations, practitioners

THEIRS = Path("/etc/ldap/schema")
OURS = Path(__file__).parents[2] / "ldap_schema" / "definitions"


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/usr/lib/openldap")
    if not found or not THEIRS.is_dir():
        missing(f"{name} (Debian: slapd)")
    assert found
    return found


def _configuration(folder: Path) -> Path:
    (folder / "db").mkdir()
    includes = [THEIRS / f"{n}.schema" for n in ("core", "cosine", "inetorgperson")]
    includes += [OURS / f"{n}.schema" for n in ("hpd", "annuaire")]
    lines = [f"include {path}" for path in includes]
    lines += ["modulepath /usr/lib/ldap", "moduleload back_mdb", "database mdb", f'suffix "{make.SUFFIX}"']
    path = folder / "slapd.conf"
    path.write_text("\n".join([*lines, f"directory {folder}/db", "maxsize 104857600", ""]))
    return path


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _slapadd(folder: Path, entries: list[Entry]) -> str:
    """What slapcat gives back of these entries."""
    configuration = _configuration(folder)
    file = folder / "entries.ldif"
    file.write_text("".join(ldif(e.ber) for e in entries), encoding="utf-8")
    _run(_program("slapadd"), "-f", str(configuration), "-l", str(file))
    return _run(_program("slapcat"), "-f", str(configuration), "-o", "ldif-wrap=no")


def test_slapd_loads_the_schema(tmp_path: Path) -> None:
    _run(_program("slaptest"), "-u", "-f", str(_configuration(tmp_path)))


def test_slapd_takes_an_entry_of_each_branch_whole(tmp_path: Path) -> None:
    person, place = make.make_practitioner(adelis=["691234567"]), make.make_organization()
    service = make.make_binding(
        2, "cardio@ch.mssante.fr", type=make.MailboxType.ORGANIZATIONAL, organization=place, service="Cardiologie"
    )
    entries = [
        *container_entries(make.SUFFIX),
        mailbox_entry([make.make_binding(practitioner=person)], make.SUFFIX),
        mailbox_entry([service], make.SUFFIX),
        practitioner_entry(person, [], make.SUFFIX),
        organization_entry(place, [service], make.SUFFIX),
    ]
    kept = _slapadd(tmp_path, entries)
    for line in "".join(ldif(e.ber) for e in entries).splitlines():
        assert not line or f"{line}\n" in kept


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # fifty entries: that is the point
@given(
    st.lists(
        st.one_of(
            st.builds(
                practitioner_entry, practitioners(), st.lists(bindings(st.none()), max_size=2), st.just(make.SUFFIX)
            ),
            st.builds(
                organization_entry, organizations(), st.lists(bindings(st.none()), max_size=2), st.just(make.SUFFIX)
            ),
            st.builds(lambda b: mailbox_entry([b], make.SUFFIX), bindings()),
        ),
        min_size=15,
        max_size=40,
        unique_by=lambda e: normalise(e.dn),
    )
)
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)
def test_slapd_takes_whatever_the_sources_write(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    folder = tmp_path_factory.mktemp("slapd")
    kept = _slapadd(folder, [*container_entries(make.SUFFIX), *entries])
    assert kept.count("\nstructuralObjectClass: ") == len(entries) + 4
