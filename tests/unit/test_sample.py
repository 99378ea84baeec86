"""The sample is what the real files are: their columns, their numbers, their names, and one country behind them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from directory_service.errors import InvalidInput
from directory_service.model import identifiers
from importers.cat18.columns import CAT18_COLUMNS
from importers.extract import ListFile
from importers.sample import SampleSummary, country, write, write_sample
from importers.sample.names import Pool, given_names, plain, surnames
from importers.sample.numbers import rpps_numbers
from importers.whitelist.job import read_lists

FILES = {
    "activity": ("PS_LibreAcces_Personne_activite_2*.txt", 56),
    "diploma": ("PS_LibreAcces_Dipl*.txt", 13),
    "expertise": ("PS_LibreAcces_Savoir*.txt", 13),
    "mailbox": ("Extraction_Correspondance*.txt", 31),
    "adeli": ("PS_LibreAcces_Personne_activite_ADELI*.txt", 48),
    "cat18": ("ExtractionMonoTable*.csv", 41),
    "links": ("Correspondance*.csv", 2),
}


@dataclass(frozen=True)
class Sample:
    """The rows of a sample folder, by file, and its truth by column name."""

    folder: Path
    rows: dict[str, list[list[str]]]
    truth: list[dict[str, str]]


def split(name: str, line: str) -> list[str]:
    if name == "cat18":
        return next(csv.reader([line], delimiter=";"))
    return line.split(";" if name == "links" else "|")


def path_of(folder: Path, name: str) -> Path:
    return next(folder.glob(FILES[name][0]))


def lines_of(folder: Path, name: str) -> list[str]:
    encoding = "iso-8859-1" if name == "links" else "utf-8"
    return path_of(folder, name).read_text(encoding).removesuffix("\n").split("\n")


def read(folder: Path) -> Sample:
    rows = {n: [split(n, line) for line in lines_of(folder, n)[1:]] for n in FILES}
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE))
    return Sample(folder, rows, truth)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, people=20_000, seed=4)
    return read(folder)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("later")
    write_sample(folder, people=20_000, seed=4, day=6)
    return read(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- form -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_row_has_the_columns_of_its_header(sample: Sample, name: str) -> None:
    columns = FILES[name][1]
    assert len(split(name, lines_of(sample.folder, name)[0])) == columns
    assert {len(row) for row in sample.rows[name]} == {columns}


def test_headers_are_the_verbatim_ones(sample: Sample) -> None:
    activity = lines_of(sample.folder, "activity")[0]
    assert activity.startswith("Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité")
    assert activity.endswith("|Code rôle|Libellé rôle|Code genre activité|Libellé genre activité")
    assert activity.startswith(lines_of(sample.folder, "adeli")[0])
    assert "|NL4TYPEVOIE structure BAL|" in lines_of(sample.folder, "mailbox")[0]
    assert lines_of(sample.folder, "links")[0] == "N° ADELI;N° RPPS"
    assert lines_of(sample.folder, "cat18")[0] == ";".join(f'"{caption}"' for _, caption in CAT18_COLUMNS)


def test_every_number_has_its_key(sample: Sample) -> None:
    for row in sample.rows["activity"]:
        assert identifiers.is_rpps(row[1])
        assert row[2] == "8" + row[1]
        assert not row[19] or identifiers.is_siret(row[19])
        assert not row[20] or identifiers.is_siren(row[20])
        assert not row[21] or identifiers.is_finess(row[21])
        assert not row[22] or identifiers.is_finess(row[22])
        if row[23]:
            assert identifiers.structure_national_id(row[23], row[21], row[19], row[20])[0] in "1234"
    for row in sample.rows["adeli"]:
        assert identifiers.is_adeli(row[1])
        assert identifiers.adeli_key_ok(row[1])
    assert any(row[21][:2] in ("2A", "2B") for row in sample.rows["activity"])


def test_technical_ids_are_of_the_three_kinds_and_name_one_structure_each(sample: Sample) -> None:
    places: dict[str, set[str]] = {}
    for row in sample.rows["activity"]:
        places.setdefault(row[23], set()).add("|".join(row[19:47]))
    assert {key[:1] for key in places} == {"", "R", "C", "F"}
    assert all(len(told) == 1 for told in places.values())


def test_old_adeli_rows_leave_the_commune_empty_and_put_it_into_the_cedex_line(sample: Sample) -> None:
    placed = [row for row in sample.rows["adeli"] if row[35]]
    assert placed
    assert all(row[36] == "" and re.fullmatch(r"\S+ .+", row[34]) for row in placed)


# --- realism --------------------------------------------------------------------------------------------------


def test_volumes_follow_the_national_ones(sample: Sample) -> None:
    """Per person: 2.2 M activity rows, 2.2 M diplomas, 0.4 M savoir-faire, 535 k mailbox rows for 1.7 M people."""
    national = {"activity": 2.2e6, "diploma": 2.2e6, "expertise": 0.4e6, "mailbox": 535_357}
    for name, rows in national.items():
        assert len(sample.rows[name]) / 20_000 == pytest.approx(rows / 1.7e6, rel=0.15), name
    types = Counter(row[0] for row in sample.rows["mailbox"])
    assert types["PER"] / sum(types.values()) == pytest.approx(0.85, abs=0.04)


def test_names_have_accents_particles_compounds_and_several_given_names(sample: Sample) -> None:
    family = {row[7] for row in sample.rows["activity"]}
    given = {row[8] for row in sample.rows["activity"]}
    for names, pattern in (
        (family, r"D'\w"), (family, r"LE \w"), (family, r"\w-\w"), (family, "[ÉÈÎÇ]"),
        (given, r"\w-\w"), (given, r"\w \w"), (given, "É"), (given, "é"), (given, "^[A-Z]+$"),
    ):  # fmt: skip
        assert any(re.search(pattern, name) for name in names), pattern


def test_homonyms_recur_at_the_real_rate(sample: Sample) -> None:
    """A whole country has 36 women MARTIN ISABELLE (of the files of 2026)."""
    women = sum(row[5] == "MME" for row in sample.rows["activity"]) / len(sample.rows["activity"])
    martin, isabelle = (share(pool, name) for pool, name in ((surnames(), "MARTIN"), (given_names(2), "ISABELLE")))
    assert 1_700_000 * women * martin * isabelle == pytest.approx(36, rel=0.1)
    names = Counter((t["family"].upper(), t["given"].upper()) for t in sample.truth)
    assert 0.9 * len(sample.truth) < len(names) < len(sample.truth) - 20


def share(pool: Pool, name: str) -> float:
    found = pool.names.index(name)
    return float((pool.cumulated[found] - (pool.cumulated[found - 1] if found else 0)) / pool.cumulated[-1])


def test_places_reach_corsica_overseas_and_the_big_towns(sample: Sample) -> None:
    departments = {row[44] for row in sample.rows["activity"]}
    assert {"2A", "2B", "971", "972", "973", "974", "976", "75", "13", "69"} <= departments
    assert len(departments) > 100


def test_domains_have_a_long_tail(sample: Sample) -> None:
    domains = Counter(row[1].rpartition("@")[2] for row in sample.rows["mailbox"])
    top, boxes = domains.most_common(10), len(sample.rows["mailbox"])
    assert top[0][0] == "medecin.mssante.fr"
    assert top[0][1] / boxes == pytest.approx(0.12, abs=0.04)
    assert sum(n for _, n in top) / boxes == pytest.approx(
        0.46, abs=0.15
    )  # one hospital weighs a lot in a small country


def test_some_people_have_several_activities_savoir_faire_or_none(sample: Sample) -> None:
    rows = sample.rows["activity"]
    assert any(not row[23] for row in rows)
    assert max(Counter(row[1] for row in rows).values()) > 2
    assert max(Counter(row[1] for row in sample.rows["expertise"]).values()) > 1


# --- one country ----------------------------------------------------------------------------------------------


def test_truth_tells_of_every_person_and_mailbox(sample: Sample) -> None:
    known = {n for t in sample.truth for n in t["national_ids"].split(",") if n}
    boxes = {a for t in sample.truth for a in t["addresses"].split(",") if a}
    for name in ("activity", "diploma", "expertise", "adeli", "cat18"):
        assert {row[2] for row in sample.rows[name]} <= known, name
    assert {row[1] for row in sample.rows["mailbox"] if row[0] == "PER"} == boxes
    assert len(sample.truth) == 20_000


def test_an_address_is_one_holder_and_a_few_stand_on_two_lines(sample: Sample) -> None:
    lines = Counter(row[1] for row in sample.rows["mailbox"])
    again = {address for address, n in lines.items() if n > 1}
    assert 2 <= len(again) < 30
    owner = {a: t["person"] for t in sample.truth for a in t["addresses"].split(",") if a}
    assert len(owner) == sum(len(t["addresses"].split(",")) for t in sample.truth if t["addresses"])
    holders = {(row[1], row[2]) for row in sample.rows["mailbox"] if row[1] in again}
    assert len(holders) > len(again)  # one of them under an ADELI number too


def test_homonyms_of_a_domain_are_numbered(sample: Sample) -> None:
    assert any(re.search(r"[a-z]2@", row[1]) for row in sample.rows["mailbox"])
    assert all(re.fullmatch(r"[a-z0-9.-]+@[a-z0-9.-]+\.(fr|org)", row[1]) for row in sample.rows["mailbox"])


def test_a_mailbox_without_registry_number_is_of_type_10(sample: Sample) -> None:
    rows = [row for row in sample.rows["mailbox"] if row[2] == "10"]
    assert rows
    assert all(row[3] == row[1] and row[4] == "10" + row[1] for row in rows)


def test_the_link_table_tells_the_truth_and_leaves_some_to_find(sample: Sample) -> None:
    pairs = {(a, t["rpps"]) for t in sample.truth for a in t["adeli"].split(",") if a}
    assert {tuple(row) for row in sample.rows["links"]} <= pairs
    by_link = Counter(t["link"] for t in sample.truth)
    assert all(by_link[k] for k in ("table", "same-structure", "shared-mailbox", "adeli-only", "hidden"))
    linked = {row[0] for row in sample.rows["links"]}
    for t in sample.truth:
        assert (t["adeli"].split(",")[0] in linked) == (t["link"] == "table")


def test_same_structure_people_have_the_same_name_profession_and_structure_in_both_files(sample: Sample) -> None:
    rpps = {row[1]: row for row in sample.rows["activity"][::-1]}
    adeli = {row[1]: row for row in sample.rows["adeli"]}
    found = [t for t in sample.truth if t["link"] == "same-structure"]
    assert found
    for t in found:
        old, new = adeli[t["adeli"].split(",")[0]], rpps[t["rpps"]]
        assert old[9] == new[9]
        assert old[23] == new[23] or new[46] == "0" + old[23][1:]  # former id: ADELI-rang


def test_shared_mailbox_people_have_their_address_under_their_adeli_number_in_cat18(sample: Sample) -> None:
    under_adeli = {row[2]: row[40] for row in sample.rows["cat18"] if row[0] == "0"}
    under_rpps = {row[1]: row[4] for row in sample.rows["mailbox"] if row[2] == "8"}
    found = [t for t in sample.truth if t["link"] == "shared-mailbox"]
    assert found
    for t in found:
        address = under_adeli["0" + t["adeli"].split(",")[0]]
        assert under_rpps[address] == "8" + t["rpps"]


def test_older_files_name_some_women_as_at_birth(sample: Sample) -> None:
    now = {n: t for t in sample.truth for n in t["national_ids"].split(",")}
    other = [row for row in sample.rows["cat18"] if row[5] != unaccented(now[row[2]]["family"])]
    assert other
    assert all(row[5] == unaccented(now[row[2]]["birth_name"]) for row in other)


def unaccented(name: str) -> str:
    return plain(name).upper()


# --- determinism and days -------------------------------------------------------------------------------------


def test_the_seed_alone_decides_whatever_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_SLICE", 100)
    write_sample(tmp_path / "one", people=450, seed=7, defects=0.05, processes=0)
    write_sample(tmp_path / "two", people=450, seed=7, defects=0.05, processes=2)
    write_sample(tmp_path / "other", people=450, seed=8, defects=0.05, processes=0)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_a_few_rows_change_each_day(sample: Sample, later: Sample) -> None:
    for name, most in (("activity", 0.05), ("mailbox", 0.05)):
        before = {"|".join(r) for r in sample.rows[name]}
        after = {"|".join(r) for r in later.rows[name]}
        assert 0.01 < len(before ^ after) / len(before) < 2 * most, name


def test_whoever_stays_keeps_numbers_and_addresses(sample: Sample, later: Sample) -> None:
    today = {t["person"]: t for t in later.truth}
    for t in sample.truth:
        now = today[t["person"]]
        ever = {*now["addresses"].split(","), *now["closed_addresses"].split(",")}
        assert set(t["addresses"].split(",")) <= {*ever, ""}
        assert set(t["national_ids"].split(",")) <= set(now["national_ids"].split(","))
        assert now["adeli"] == t["adeli"]


def test_people_arrive_vanish_move_change_name_and_switch_over(sample: Sample, later: Sample) -> None:
    before = {t["person"]: t for t in sample.truth}
    changed = [(before[t["person"]], t) for t in later.truth if t["person"] in before]
    assert len(later.truth) > len(sample.truth)
    assert any(now["status"] == "vanished" for _, now in changed)
    assert any(was["family"] != now["family"] for was, now in changed)
    assert any(was["status"] == "adeli-only" and now["rpps"] for was, now in changed)
    assert any(now["closed_addresses"] for _, now in changed)
    gone = {t["rpps"] for _, t in changed if t["status"] == "vanished"}
    assert not gone & {row[1] for row in later.rows["activity"]}


# --- defects and files ----------------------------------------------------------------------------------------


def test_defects_are_where_the_list_says_and_of_every_kind(tmp_path: Path) -> None:
    clean, bad = tmp_path / "clean", tmp_path / "bad"
    write_sample(clean, people=4000, seed=2)
    summary = write_sample(bad, people=4000, seed=2, defects=0.03)
    with (bad / "defects.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file, delimiter=";"))
    assert summary.defects == len(listed)
    for name in FILES:
        here = {int(d["line"]) for d in listed if d["file"] == path_of(bad, name).name}
        copies = {int(d["line"]) for d in listed if d["file"] == path_of(bad, name).name and d["kind"] == "duplicate"}
        told, expected = lines_of(bad, name), set(lines_of(clean, name))
        wrong = {n for n, line in enumerate(told, start=1) if line not in expected}
        assert wrong == here - copies, name
        assert all(told[n - 1] == told[n - 2] for n in copies)
    kinds = {d["kind"] for d in listed}
    assert kinds >= {
        "columns_missing", "columns_extra", "rpps_key", "adeli_key", "name_missing", "postcode", "unknown_code",
        "label_mismatch", "street_number", "address", "duplicate",
    }  # fmt: skip


def test_no_defect_is_asked_none_is_listed(sample: Sample) -> None:
    assert not (sample.folder / "defects.csv").exists()
    assert any('"' in row[24] for row in sample.rows["activity"])  # a stray quote is data


def test_archives_hold_the_same_texts(tmp_path: Path) -> None:
    write_sample(tmp_path / "plain", people=60)
    summary: SampleSummary = write_sample(tmp_path / "zipped", people=60, as_zip=True)
    names = {p.name for p in (tmp_path / "zipped").iterdir()}
    assert f"PS_LibreAcces_{summary.stamp}.zip" in names
    assert f"Extraction_Correspondance_MSSante_{summary.stamp}.zip" in names
    assert not any(n.startswith("PS_LibreAcces_Personne_activite_2") for n in names)


@pytest.mark.parametrize(
    "asked", [{"seed": -1}, {"seed": 2**32}, {"day": -1}, {"day": country.LAST_DAY + 1}, {"people": 25_000_001}]
)
def test_where_numbers_would_come_twice_nothing_is_written(tmp_path: Path, asked: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        write_sample(tmp_path / "none", **asked)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("seed", [0, write.LAST_SEED])
def test_numbers_never_come_twice(seed: int) -> None:
    """Of the first people, and of the last who arrive on the last day."""
    arriving = int(country.MOST_PEOPLE * country._ARRIVALS)
    assert arriving <= country._A_DAY
    first, last = np.arange(country._A_DAY), 60_000_000 + country.LAST_DAY * country._A_DAY + np.arange(arriving)
    numbers = rpps_numbers(np.r_[first, last], seed).tolist()
    assert len(set(numbers)) == len(numbers) and all(map(identifiers.is_rpps, map(str, numbers)))


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_sample(tmp_path, people=30, progress=lambda *step: told.append(step))
    assert told[-1][1:] == (30, 30)


@pytest.mark.parametrize("people", [0, 1, 7])
def test_the_smallest_samples_are_whole(tmp_path: Path, people: int) -> None:
    summary = write_sample(tmp_path, people=people, day=2)
    assert summary.rows["truth.csv"] == people
    assert all(path_of(tmp_path, name).stat().st_size for name in FILES)


# --- the trusted space ----------------------------------------------------------------------------------------


def test_the_white_list_holds_every_domain_of_a_mailbox_signed_under_its_anchor(sample: Sample, later: Sample) -> None:
    lists = []
    for told in (sample, later):
        file = ListFile(told.folder / "confiance" / "liste_blanche.xml", None, 0)
        (job,) = read_lists([file], sample.folder / "confiance" / "ancre.pem")  # one anchor for all the days
        held = {entry.domain for entry in job.listed.entries}
        assert {row[1].rpartition("@")[2] for row in told.rows["mailbox"]} <= held
        assert len(job.listed.entries) > len(held)  # some stand under two certificates
        lists.append(job.published)
    assert lists == ["2026-08-25T06:06:00Z", "2026-08-31T06:06:00Z"]
