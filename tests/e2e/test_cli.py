"""The commands on a loaded directory: what they print, in both forms, and their exit codes."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import factories as f
import pytest
from certificates import Authority
from e2e.installation import ANNUAIRE, PEOPLE, Installation, installation

from directory_service.commands.reading import _FIELDS, _LIKE
from directory_service.index.onebox.readings import Field
from directory_service.model.likeness import Likeness


def ask(here: Installation, *arguments: str, code: int = 0) -> Any:
    return json.loads(here.run(*arguments, "--json", code=code).stdout)


@pytest.fixture(scope="session")
def person(loaded: Installation) -> dict[str, Any]:
    """Somebody with an RPPS number and a mailbox."""
    people = map(json.loads, loaded.run("export", "ndjson").stdout.splitlines())
    return next(p for p in people if p["rpps"] and len(p["mailboxes"]) == 1 and p["status"] == "active")


def test_init_twice_changes_nothing(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    here.run("init")
    assert len(here.run("export", "ndjson").stdout.splitlines()) >= PEOPLE


def test_importing_the_same_files_twice_changes_nothing_and_says_so(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    first = ask(here, "runs")
    here.run("import", "sample")
    assert ask(here, "runs")["runs"][0]["status"] == "unchanged"
    assert len(ask(here, "runs")["runs"]) == len(first["runs"]) + 1


def test_a_change_of_operators_says_that_the_index_must_follow(loaded: Installation, tmp_path: Path) -> None:
    """Who was added a moment ago was refused over LDAP and HTTP, and nothing said why."""
    here = loaded.copy(tmp_path / "copy")
    added, secret = here.run("operator", "add", "nouveau"), here.run("operator", "secret", "nouveau")
    for done in (added, secret):
        assert "annuaire index" in done.stderr and "index" not in done.stdout
    assert here.run("operator", "add", "autre", "--json").stderr == ""


def test_a_certificate_is_given_to_one_operator(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    certificate = str(Authority(tmp_path).client("passerelle"))
    for name in ("une", "autre"):
        here.run("operator", "add", name)
    done = ask(here, "operator", "certificate", "une", certificate, "--san", "dns:passerelle.example")
    rule = {"method": "san", "issuer": "CN=Autorite,O=Essai", "value": "dns:passerelle.example"}
    assert done == {"name": "une", "certificate": rule, "changed": True}
    assert ask(here, "operator", "certificate", "une", certificate)["certificate"]["method"] == "pin"
    held = {o["name"]: [r["method"] for r in o["certificates"]] for o in ask(here, "operator", "list")["operators"]}
    assert held["une"] == ["san", "pin"] and held["autre"] == []
    here.run("operator", "certificate", "autre", certificate, code=2)
    here.run("operator", "certificate", "autre", certificate, "--san", "dns:ailleurs", code=2)
    here.run("operator", "certificate", "personne", certificate, "--subject", code=4)
    (tmp_path / "odd.pem").write_text("odd")
    here.run("operator", "certificate", "une", str(tmp_path / "odd.pem"), code=2)
    assert ask(here, "operator", "certificate", "une", certificate, "--remove")["changed"]
    assert not ask(here, "operator", "certificate", "une", certificate, "--remove")["changed"]


def test_an_import_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    here = installation(tmp_path)
    here.run("sample", "sample", "--people", "3000")
    here.run("init")
    command = [ANNUAIRE, "import", "sample"]
    with subprocess.Popen(command, env=here.env, cwd=here.folder, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert next(line for line in running.stderr if line.startswith("import de Extraction"))
        running.kill()
    assert ask(here, "runs") == {"runs": [], "silent": []}
    assert ask(here, "import", "sample")["status"] == "done"


def test_options_of_runs_hold_before_its_commands_too(loaded: Installation) -> None:
    before = loaded.run("runs", "--json", "show", "1").stdout
    assert before == loaded.run("runs", "show", "1", "--json").stdout and json.loads(before)["pk"] == 1


def test_a_dry_run_writes_nothing(loaded: Installation, day1: Path, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    before = ask(here, "runs")["runs"]
    here.run("import", "--dry-run", str(day1))
    assert ask(here, "runs")["runs"] == before


def test_a_file_of_another_kind_is_refused_and_nothing_written(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    before = ask(here, "runs")["runs"]
    (here.folder / "autre.csv").write_text("nom,prénom\nx,y\n")
    assert "autre.csv" in here.run("import", "autre.csv", code=3).stderr
    assert ask(here, "import", "autre.csv", code=3)["error"] == "import-refused"
    assert ask(here, "runs")["runs"] == before


def test_show_by_any_number_and_by_address(loaded: Installation, person: dict[str, Any]) -> None:
    for key in (person["id"], person["rpps"], " ".join(person["rpps"])):
        assert ask(loaded, "show", key)["id"] == person["id"]
    box = ask(loaded, "show", person["mailboxes"][0]["address"])
    assert [holder["id"] for holder in box["holders"]] == [person["id"]]
    shown = loaded.run("show", person["id"]).stdout
    assert person["family_name"] in shown and ", PER (personnelle)" in shown
    assert ask(loaded, "show", "810000000000", code=4)["error"] == "not-found"


@pytest.mark.parametrize("command", ["show", "mailbox"])
def test_a_number_that_is_nobodys_is_said_to_be_so_and_whose_it_may_be(
    loaded: Installation, person: dict[str, Any], command: str
) -> None:
    rpps = person["rpps"]
    false = rpps[:-1] + str((int(rpps[-1]) + 1) % 10)
    said = loaded.run(command, false, code=4).stderr
    assert "aucun professionnel ni aucune structure ne porte ce numéro" in said and rpps in said


def test_resolve_gives_the_number_in_force(loaded: Installation, person: dict[str, Any]) -> None:
    assert ask(loaded, "resolve", person["rpps"])["id"] == person["id"]


def test_search_finds_by_name(loaded: Installation, person: dict[str, Any]) -> None:
    found = ask(loaded, "search", person["family_name"], person["given_names"].split()[0])
    assert person["id"] in {p["id"] for p in found["items"]}
    assert person["id"] in loaded.run("search", person["family_name"], "--limit", "100").stdout


@pytest.mark.parametrize("text", ["", "  ", "é" * 201, "é" * 5_000])
def test_search_refuses_what_is_no_search(loaded: Installation, text: str) -> None:
    """Once a fault inside, for a word that makes a question longer than SQLite takes; and everybody, for nothing."""
    assert ask(loaded, "search", text, code=2)["error"] == "invalid-input"


def test_the_right_mailbox_by_exit_code(loaded: Installation, person: dict[str, Any]) -> None:
    wanted = 0 if len(person["mailboxes"]) == 1 else 4  # of one type, and nobody said which is preferred
    found = ask(loaded, "mailbox", person["id"], code=wanted)
    assert [item["address"] for item in found["items"]] == [box["address"] for box in person["mailboxes"]]
    shown = loaded.run("mailbox", person["id"], code=wanted).stdout
    assert (found["recommended"] or "ambigu") in shown
    loaded.run("mailbox", person["id"], "--purpose", "autre", code=2)
    assert ask(loaded, "mailbox", "810000000000", code=4)["error"] == "not-found"


def test_verify_by_exit_code(loaded: Installation, person: dict[str, Any]) -> None:
    address = person["mailboxes"][0]["address"]
    assert ask(loaded, "verify", address, "--person", person["rpps"])["verdict"] == "verified"
    assert ask(loaded, "verify", address, "--person", "Personne Autre", code=4)["verdict"] == "mismatch"
    assert ask(loaded, "verify", "nul@nulle-part.mssante.fr", code=4)["verdict"] == "unknown_address"
    loaded.run("verify", "pas-une-adresse", code=2)
    loaded.run("verify", code=2)
    loaded.run("verify", address, "--operator", "essai", code=2)
    assert ask(loaded, "verify", "255081416802538@patient.mssante.fr")["verdict"] == "verified"
    assert ask(loaded, "verify", "255081416802539@patient.mssante.fr", code=4)["verdict"] == "unknown_address"


def test_verify_a_file_of_questions(loaded: Installation, person: dict[str, Any], tmp_path: Path) -> None:
    address = person["mailboxes"][0]["address"]
    file = tmp_path / "questions.ndjson"
    lines = [{"address": address}, {"address": address, "person": person["rpps"]}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = loaded.run("verify", "--batch", str(file))
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["verified"] * 2
    file.write_text(json.dumps({"address": "nul@nulle-part.mssante.fr"}) + "\n{}\n", encoding="utf-8")
    answers = [json.loads(line) for line in loaded.run("verify", "--batch", str(file), code=4).stdout.splitlines()]
    assert (answers[0]["verdict"], answers[1]["where"]) == ("unknown_address", "ligne 2, paramètre address")
    loaded.run("verify", address, "--batch", str(file), code=2)
    loaded.run("verify", address, "--person", "", code=2)
    assert "n'existe pas" in loaded.run("verify", "--batch", "absent.ndjson", code=2).stderr
    loaded.run("verify", "--batch", str(file), "--receipt", code=2)


def test_a_program_is_given_a_key_once(loaded: Installation) -> None:
    here = loaded
    key = ask(here, "client", "add", "logiciel", "--contact", "editeur@exemple.fr")["key"]
    assert key.startswith("client~logiciel.") and len(key) > 50
    here.run("client", "add", "logiciel", code=2)
    here.run("client", "add", "Pas un nom", code=2)
    newer = ask(here, "client", "renew", "logiciel")["key"]
    assert newer.startswith("client~logiciel.") and newer != key
    assert ask(here, "client", "revoke", "logiciel")["changed"] is True
    assert ask(here, "client", "revoke", "logiciel")["changed"] is False
    here.run("client", "renew", "logiciel", code=2)
    here.run("client", "revoke", "personne", code=4)
    (told,) = ask(here, "client", "list")["clients"]
    assert (told["name"], told["contact"]) == ("logiciel", "editeur@exemple.fr") and told["revoked"]
    registry = b"".join(path.read_bytes() for path in here.folder.glob("registry.sqlite*"))
    assert key.encode() not in registry and newer.encode() not in registry


def test_may_an_operator_send(loaded: Installation, person: dict[str, Any], tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    address = person["mailboxes"][0]["address"]
    here.run("operator", "add", "une", "--domain", address.partition("@")[2])
    here.run("operator", "add", "autre", "--domain", "autre.mssante.fr")
    assert ask(here, "operator", "right", "une", "+unlisted", "-publish")["rights"] == ["unlisted"]
    assert ask(here, "operator", "right", "une", "+unlisted")["changed"] is False
    assert {o["name"]: o["rights"] for o in ask(here, "operator", "list")["operators"]}["autre"] == ["publish"]
    here.run("index")
    assert ask(here, "verify", address, "--sender", "--operator", "une")["operator"] == "une"
    assert ask(here, "verify", address, "--sender", "--operator", "autre", code=4)["verdict"] == "mismatch"
    for other in ("autre", "inconnu"):  # it said that the address was somebody else's
        told = here.run("verify", address, "--sender", "--operator", other, code=4).stdout
        assert "cet opérateur ne peut pas émettre" in told


def test_receipts_and_keys(loaded: Installation, person: dict[str, Any], tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    address = person["mailboxes"][0]["address"]
    plain = ask(here, "verify", address, "--receipt")["receipt"]
    private = ask(here, "verify", address, "--private")
    made = ask(here, "keys", "rotate")["kid"]
    found = ask(here, "keys", "list")["keys"]
    assert [key["signs"] for key in found] == [True, False] and found[0]["kid"] == made
    assert ask(here, "keys", "check", plain)["claims"]["asked"] == {"address": address, "as": "recipient"}
    salt = private["receipt_salts"]["address"]
    assert ask(here, "keys", "check", private["receipt"], "--address", address, salt)["shows"] == {"address": True}
    assert ask(here, "keys", "check", private["receipt"], "--address", "x@y.fr", salt, code=4)["valid"]
    assert not ask(here, "keys", "check", plain[:-4] + "AAAA", code=4)["valid"]
    assert "nom d'un fichier" in here.run("keys", "check", "recu-absent", code=2).stderr
    here.run("keys", "rotate", "--from", "2001-01-01", code=2)
    (tmp_path / "receipt").write_text(plain + "\n")
    assert address in here.run("keys", "check", str(tmp_path / "receipt")).stdout
    (tmp_path / "jwks.json").write_text('{"keys":[]}')
    here.run("keys", "check", plain, "--jwks", str(tmp_path / "jwks.json"), code=4)


@pytest.mark.parametrize("form", ["ldif", "ndjson", "csv", "mssante"])
def test_export_to_a_file_and_to_standard_output(loaded: Installation, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"annuaire.{form}"
    report = ask(loaded, "export", form, "--out", str(out))
    assert out.read_text(encoding="utf-8") == loaded.run("export", form).stdout
    assert report["records"] > PEOPLE // 4
    assert list(tmp_path.iterdir()) == [out]


def test_holders_of_every_type_of_number_come_back_from_an_export(tmp_path: Path) -> None:
    """Those whom no registry knows, too."""
    here = installation(tmp_path)
    numbers = {
        "0": f.adeli(1), "1": f.adeli(2) + "01/7", "3": "010000115/324", "4": f.siret(1)[:9] + "/12", "8": f.rpps(3),
        "5": f.siret(1) + "/12", "6": f.luhn(f.rpps(3) + "01") + "/7", "10": "t10@test.mssante.fr", "30": "ROR-123456",
    }  # fmt: skip
    rows = [
        f.mailbox(f"t{scheme}@test.mssante.fr", "1", id_type=scheme, id=number, national_id=scheme + number)
        for scheme, number in numbers.items()
    ]
    rows.append(f.mailbox("false@test.mssante.fr", "1", id_type="8", id="10000000000", national_id="810000000000"))
    f.write_mailboxes(tmp_path / "a.txt", [*rows, f.mailbox("org@test.mssante.fr")])
    f.write_activity(tmp_path / "b.txt", [f.activity(f.rpps(1))])
    here.run("init")
    here.run("import", "a.txt", "b.txt")
    here.run("index")
    here.run("export", "mssante", "--out", "back.txt")
    assert _numbers(tmp_path / "back.txt") == _numbers(tmp_path / "a.txt")
    for scheme, number in numbers.items():  # and each of these numbers is found, as ``verify`` finds it
        address = f"t{scheme}@test.mssante.fr"
        found = ask(here, "resolve", scheme + number)
        assert (found["id"], found["mailboxes"]) == (scheme + number, [address])
        assert scheme == "10" or ask(here, "show", scheme + number)["address"] == address
    assert "mailboxes" not in ask(here, "resolve", f.rpps(1))


def _numbers(path: Path) -> list[list[str]]:
    """Address, type of number, number, both of each line, in order."""
    columns = "Adresse BAL", "Type Identifiant PP", "Identifiant PP", "Identification nationale PP"
    with path.open(encoding="utf-8") as file:
        return sorted([row[name] for name in columns] for row in csv.DictReader(file, delimiter="|"))


def test_a_closed_pipe_is_not_a_fault(loaded: Installation) -> None:
    line = f"{ANNUAIRE} export ldif | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], env=loaded.env, cwd=loaded.folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("dn: "), done.stderr) == (0, True, "")


@pytest.mark.parametrize(
    "command",
    [*(f"runs rejects 1{form}" for form in ("", " --csv", " --json")), "runs --json", "review list --json"]
    + [f"export {form}" for form in ("ldif", "ndjson", "csv", "mssante")],
)
def test_a_reader_who_goes_in_the_middle_is_not_a_fault(spoilt: Installation, command: str) -> None:
    """Not even where the database has more to give: of a cursor that outlived its connection, Python said so."""
    end, start = os.pipe()
    fcntl.fcntl(start, fcntl.F_SETPIPE_SZ, 4096)  # less than is written
    line = [ANNUAIRE, *command.split()]
    with subprocess.Popen(line, env=spoilt.env, cwd=spoilt.folder, stdout=start, stderr=subprocess.PIPE) as done:
        os.close(start)
        assert os.read(end, 1)
        os.close(end)
        assert done.communicate(timeout=60)[1] == b""
    assert done.returncode == 0


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A directory whose extracts had defects."""
    here = installation(tmp_path_factory.mktemp("spoilt"))
    here.run("init")
    here.run("sample", "sample", "--people", "1000", "--defects", "0.05")
    here.run("import", "sample")
    here.run("index")
    return here


@pytest.mark.parametrize("command", ["runs --json", "export csv", "operator list"])
def test_a_full_disk_behind_standard_output_is_told(loaded: Installation, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        line = [ANNUAIRE, *command.split()]
        done = subprocess.run(line, env=loaded.env, cwd=loaded.folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == (5 if command != "operator list" else 0)  # none, so that nothing is said
    assert "Exception" not in done.stderr and ("le disque est plein" in done.stderr) == (done.returncode == 5)


def test_a_full_disk_behind_standard_output_hides_no_refusal(loaded: Installation) -> None:
    """A traceback, and 120: the report of the morning's import is on the disk that is full."""
    with Path("/dev/full").open("wb") as full:
        line = [ANNUAIRE, "import", "/nowhere", "--json"]
        done = subprocess.run(line, env=loaded.env, cwd=loaded.folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "annuaire : /nowhere : fichier ou dossier introuvable\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed_are_no_fault(loaded: Installation, closed: str) -> None:
    for command in ("runs", "export csv", "import sample --dry-run"):
        line = f"{ANNUAIRE} {command} {closed}"
        assert subprocess.run(["bash", "-c", line], env=loaded.env, cwd=loaded.folder, check=False).returncode == 0


def test_an_export_that_cannot_be_written_there_is_wrong_usage_and_leaves_nothing(
    loaded: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    for command in ("export csv --out", "log export", "sample"):
        assert "pas un dossier" in loaded.run(*command.split(), str(file / "x"), code=2).stderr
    assert list(tmp_path.iterdir()) == [file]


def test_an_index_that_cannot_be_written_is_unavailable(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    shutil.rmtree(here.folder / "var" / "index")
    (here.folder / "var" / "index").touch()
    assert "pas un dossier" in here.run("index", code=5).stderr
    line = f"ulimit -f 200; trap '' XFSZ; {ANNUAIRE} index"  # in units of 1,024 octets: the registry is larger
    (here.folder / "var" / "index").unlink()
    done = subprocess.run(["bash", "-c", line], env=here.env, cwd=here.folder, capture_output=True, text=True)
    assert done.returncode == 5 and "le disque de l'index" in done.stderr
    assert [*(here.folder / "var" / "index").iterdir()] == []


def test_keys_that_cannot_be_written_do_not_hide_what_an_import_did(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    here.run("sample", "later", "--people", str(PEOPLE), "--seed", "7", "--day", "60")
    (tmp_path / "keys").touch()
    done = here.run("import", "later", "--accept", "essai", ANNUAIRE_KEYS=str(tmp_path / "keys"))
    assert "Import 2 terminé" in done.stdout and "transparence en retard" in done.stderr


def test_names_and_texts_that_are_not_utf_8(loaded: Installation, tmp_path: Path) -> None:
    """As file names are on shares of before, and what is typed in a terminal of before."""
    here, old = loaded.copy(tmp_path / "copy"), os.fsdecode(b"mssant\xe9.txt")
    here.run("sample", "later", "--people", str(PEOPLE), "--seed", "7", "--day", "60")
    (extract,) = (here.folder / "later").glob("Extraction_C*")
    (here.folder / "share").mkdir()
    extract.rename(here.folder / "share" / old)
    (here.folder / "share" / f"autre {old}").write_text("autre\n")
    told = json.loads(here.run("import", "share", "--accept", "essai", "--json").stdout)
    assert ([f["name"] for f in told["files"]], len(told["ignored"])) == (["mssant\ufffd.txt"], 1)
    assert "UTF-8" in here.run("search", old, code=2).stderr
    assert json.loads(here.run("import", old, "--json", code=2).stdout)["error"] == "invalid-input"


def test_what_programs_read_is_utf_8_in_any_locale(loaded: Installation) -> None:
    for command in ("export csv", "search leclerc --json"):
        said = loaded.run(*command.split()).stdout
        started, env = [ANNUAIRE, *command.split()], loaded.env | {"PYTHONIOENCODING": "ascii"}
        assert subprocess.run(started, env=env, cwd=loaded.folder, capture_output=True, encoding="utf-8").stdout == said


def test_operators_from_adding_to_suspension(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    here.run("operator", "add", "essai", "--domain", "essai.mssante.fr")
    here.run("operator", "domain", "essai", "autre.mssante.fr")
    secret = ask(here, "operator", "secret", "essai")["secret"]
    assert len(secret) > 20
    assert secret not in here.run("operator", "list", "--json").stdout
    assert "\ten activité\toui\t" in here.run("operator", "list").stdout
    assert "+unlisted" in here.run("operator", "right", "essai", code=2).stderr
    here.run("operator", "right", "essai", "+unlisted")
    here.run("operator", "suspend", "essai")
    shown = here.run("operator", "show", "essai").stdout
    assert "état : suspendu depuis" in shown and "droits : publish (publication), unlisted (liste rouge)" in shown
    (found,) = ask(here, "operator", "list")["operators"]
    assert found["status"] == "suspended"
    assert sorted(found["domains"]) == ["autre.mssante.fr", "essai.mssante.fr"]
    here.run("operator", "secret", "inconnu", code=4)


def test_help_is_in_french(loaded: Installation) -> None:
    text = loaded.run("--help").stdout + loaded.run("import", "--help").stdout
    assert not [word for word in ("Usage:", "Show this", "default:", "Commands:") if word in text]
    assert "il manque l'argument" in loaded.run("import", code=2).stderr


def test_an_unreadable_setting_is_wrong_usage(loaded: Installation) -> None:
    assert "ANNUAIRE_LDAP_PORT" in loaded.run("runs", code=2, ANNUAIRE_LDAP_PORT="ldap").stderr


def test_a_setting_that_is_none_is_told(loaded: Installation) -> None:
    assert "réglage inconnu : ANNUAIRE_PROCESSES" in loaded.run("runs", ANNUAIRE_PROCESSES="2").stderr


def test_a_search_that_finds_nobody_says_so(loaded: Installation) -> None:
    nobody = loaded.run("search", "zzzzqqq")
    assert nobody.stdout == "" and nobody.stderr == "Aucun résultat.\n"


def test_what_is_empty_is_said_to_be(loaded: Installation, tmp_path: Path) -> None:
    env = {"ANNUAIRE_DATA": str(tmp_path / "var")}
    loaded.run("init", **env)
    for command, said in (
        ("client list", "Aucun client."),
        ("certificate list a@b.fr", "Aucun certificat."),
        ("operator list", "Aucun opérateur."),
        ("runs", "Aucun passage encore : voir `annuaire import`."),
    ):
        done = loaded.run(*command.split(), **env)
        assert (done.stdout, done.stderr) == ("", said + "\n")
    files = [str(path) for path in (loaded.folder / "sample").glob("Correspondance*")]
    assert files and loaded.run("import", *files, **env)
    assert loaded.run("runs", "rejects", "1", **env).stderr == "Aucune ligne rejetée, réparée ni signalée.\n"
    nothing = loaded.run("export", "csv", code=5, **env)
    assert nothing.stdout == "" and "annuaire index" in nothing.stderr


def test_why_somebody_was_found_is_said_in_french(loaded: Installation, person: dict[str, Any]) -> None:
    name = person["family_name"].casefold()
    assert f"{name} : nom, tel quel" in loaded.run("search", "--explain", name).stdout
    assert set(_FIELDS) == set(Field) and set(_LIKE) == {x.name.lower() for x in Likeness} - {"none"}


def test_the_purposes_of_mailboxes_are_explained(loaded: Installation) -> None:
    assert re.search("appointment +demandes et avis de rendez-vous", loaded.run("mailbox", "--help").stdout)


def test_runs_are_told_in_french(loaded: Installation) -> None:
    assert loaded.run("runs").stdout.split("\t")[3:5] == ["import", "terminé"]
