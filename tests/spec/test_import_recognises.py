"""An extract is recognised by its header; what cannot be trusted is refused, saying what was expected and seen."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import factories as f
import pytest
from import_world import World
from openpyxl import Workbook

from directory_service.errors import ImportRefused, InvalidInput
from importers.check import check
from importers.extract import recognise
from importers.lines import groups
from importers.load import run_import
from importers.sample.headers import PERSON_HEADER


def read(path: Path) -> list[tuple[str, list[int]]]:
    """Layout and line numbers of the rows of the only extract there."""
    (found,), _ = recognise(path)
    checked = check(found)
    return [
        (found.match.layout.id, [n for n, _ in rows]) for _, rows in groups(found, checked.encoding, checked.grouped)
    ]


def layout(path: Path) -> str:
    return recognise(path)[0][0].match.layout.id


@pytest.mark.parametrize(
    ("write", "rows", "expected"),
    [
        (f.write_activity, [f.activity(f.rpps(1))], "rpps.activity"),
        (f.write_diplomas, [f.diploma(f.rpps(1))], "rpps.diploma"),
        (f.write_expertise, [f.expertise(f.rpps(1))], "rpps.expertise"),
        (f.write_mailboxes, [f.mailbox("a@b.mssante.fr", f.rpps(1))], "mssante.mailboxes"),
        (f.write_links, [(f.adeli(1), f.rpps(1))], "links.adeli_rpps"),
        (f.write_cat18, [f.cat18(f.rpps(1))], "cat18.activity"),
    ],
)
def test_a_layout_is_known_by_its_header_whatever_the_name_of_the_file(tmp_path, write, rows, expected) -> None:
    assert layout(write(tmp_path / "data.txt", rows)) == expected


def test_captions_are_folded(tmp_path: Path) -> None:
    text = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]).read_text()
    header, _, rest = text.partition("\n")
    other = header.upper().replace("'", "’").replace("É", "E").replace(" (COORD. STRUCTURE)", "")
    (tmp_path / "b.txt").write_text(other + "\n" + rest)
    found = recognise(tmp_path / "b.txt")[0][0].match
    assert found.columns == recognise(tmp_path / "a.txt")[0][0].match.columns


def test_the_suffix_of_the_mailbox_columns_and_the_n_of_nl4_are_optional(tmp_path: Path) -> None:
    text = f.write_mailboxes(tmp_path / "a.txt", [f.mailbox("a@b.mssante.fr")]).read_text()
    (tmp_path / "b.txt").write_text(text.replace(" structure BAL", "").replace("NL4TYPE", "L4TYPE"))
    assert recognise(tmp_path / "b.txt")[0][0].match.missing == ()
    assert "street_type" in recognise(tmp_path / "b.txt")[0][0].match.columns


@pytest.mark.parametrize("change", ["bom", "crlf", "trailing separator", "trailing separator of the rows only"])
def test_bom_crlf_and_a_trailing_separator_are_accepted(tmp_path: Path, change: str) -> None:
    text = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(n)) for n in (1, 2)]).read_text()
    header, *rows = text.splitlines()
    changed = {
        "bom": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "trailing separator": "".join(line + "|\n" for line in text.splitlines()),
        "trailing separator of the rows only": header + "\n" + "".join(row + "|\n" for row in rows),
    }
    (tmp_path / "b.txt").write_bytes(changed[change].encode())
    assert read(tmp_path / "b.txt") == [("rpps.activity", [2]), ("rpps.activity", [3])]


def test_a_zip_may_hold_several_extracts_and_other_things(tmp_path: Path) -> None:
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    f.write_diplomas(tmp_path / "d.txt", [f.diploma(f.rpps(1))])
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.txt", "deep/a.txt")
        archive.write(tmp_path / "d.txt", "d.txt")
        archive.writestr("LISEZMOI.txt", "bonjour\n")
    found, ignored = recognise(tmp_path / "all.zip")
    assert [x.match.layout.id for x in found] == ["rpps.activity", "rpps.diploma"]
    assert ignored == ["LISEZMOI.txt"]


def test_a_zip_in_a_zip_is_told_as_such(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.write(f.write_links(tmp_path / "links.csv", []), "links.csv")
    with zipfile.ZipFile(tmp_path / "week.zip", "w") as archive:
        archive.write(tmp_path / "day.zip", "day.zip")
    told = "week.zip : archive dans une archive : extrayez-la, et importez ce qu'elle contient"
    assert refusal(tmp_path / "week.zip") == told
    with zipfile.ZipFile(tmp_path / "week.zip", "a") as archive:
        archive.write(tmp_path / "links.csv", "links.csv")
    found, ignored = recognise(tmp_path / "week.zip")
    assert ([file.name for file in found], ignored) == (["week.zip/links.csv"], ["day.zip"])


def test_the_names_in_a_zip_show_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    good = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("é\n\x1b[31m.txt", good)
        archive.writestr("\x1b]0;.txt", "autre")
    (found,), ignored = recognise(tmp_path / "a.zip")
    assert (found.name, ignored) == ("a.zip/é??[31m.txt", ["?]0;.txt"])


def test_a_folder_is_read_without_the_files_of_another_kind(tmp_path: Path) -> None:
    f.write_links(tmp_path / "liens.csv", [(f.adeli(1), f.rpps(1))])
    (tmp_path / "truth.csv").write_text("person,family\n1,x\n")
    found, ignored = recognise(tmp_path)
    assert [x.name for x in found] == ["liens.csv"]
    assert ignored == ["truth.csv"]


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_what_is_not_opened_in_a_folder_is_told_all_the_same(world: World, tmp_path: Path) -> None:
    """Mailboxes in a .gz were passed over without a word, for days."""
    (tmp_path / "Extraction.TXT.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(ImportRefused, match="compressés autrement qu'en zip : décompressez-les ; vu : Extraction"):
        recognise(tmp_path)
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    for name in ("._a.txt.gz", "notes.pdf", "a.txt.part", "carnet.xlsx"):
        (tmp_path / name).touch()
    report = run_import(world.engine, [tmp_path], actor="tests")
    assert report.ignored == ("Extraction.TXT.gz", "carnet.xlsx")
    assert "  laissé de côté, compressé autrement qu'en zip : Extraction.TXT.gz\n" in report.as_text()
    assert "  laissé de côté, ce n'est pas une extraction : carnet.xlsx\n" in report.as_text()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "aucun fichier .txt, .csv, .xml ni .zip"),
        (("notes.pdf",), "aucun fichier .txt, .csv, .xml ni .zip"),
        (("notes.csv",), "vu : notes.csv"),
        (("notes.xlsx",), "vu : notes.xlsx"),
        (("day0/a.txt", "day1/a.txt"), "ses dossiers ne sont pas lus : donnez-les à part (day0, day1)"),
    ],
)
def test_a_folder_of_nothing_says_what_is_there(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    """« No extract » was all that was said of the folder above those of each day."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Bonjour\n")
    with pytest.raises(ImportRefused) as refused:
        recognise(tmp_path)
    assert refused.value.message.startswith("aucune extraction reconnue : ") and said in refused.value.message


def test_a_workbook_or_a_picture_is_told_as_what_it_is(tmp_path: Path) -> None:
    """A workbook was « seen: docProps/app.xml », a picture a column of question marks."""
    Workbook().save(tmp_path / "carnet.xlsx")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1" + bytes(range(256)))
    for name, said in (("carnet.xlsx", "classeur Excel"), ("photo.jpg", "ce n'est pas un texte")):
        with pytest.raises(ImportRefused, match=said) as refused:
            recognise(tmp_path / name)
        assert refused.value.where == name


def test_what_macos_puts_beside_each_file_is_left_aside_though_empty(tmp_path: Path) -> None:
    path = f.write_links(tmp_path / "links.csv", [(f.adeli(1), f.rpps(1))])
    with zipfile.ZipFile(tmp_path / "extraits.zip", "w") as archive:
        archive.write(path, "links.csv")
        archive.writestr("__MACOSX/._links.csv", b"")
    (tmp_path / "._extraits.zip").write_bytes(b"\0\5\x16\7")
    found, ignored = recognise(tmp_path)
    assert [file.name for file in found] == ["extraits.zip/links.csv", "links.csv"]
    assert sorted(ignored) == ["._extraits.zip", "__MACOSX/._links.csv"]
    with pytest.raises(ImportRefused, match="aucune extraction reconnue"):
        recognise(tmp_path / "._extraits.zip")


def test_rows_of_one_record_come_together_whatever_their_order(tmp_path: Path) -> None:
    one, two = f.rpps(1), f.rpps(2)
    path = f.write_activity(tmp_path / "a.txt", [f.activity(n) for n in (one, two, one, two)])
    assert sorted(lines for _, lines in read(path)) == [[2, 4], [3, 5]]


def test_quotes_are_data_between_pipes(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1), name='LE "PETIT|'.replace("|", ""))])
    assert read(path) == [("rpps.activity", [2])]


def test_a_quoted_field_may_hold_separators_and_line_ends(tmp_path: Path) -> None:
    rows = [f.cat18(f.rpps(1), name='RUE; "BIS"\nFOND'), f.cat18(f.rpps(2))]
    assert [lines for _, lines in read(f.write_cat18(tmp_path / "c.csv", rows))] == [[2], [4]]


def refusal(path: Path) -> str:
    with pytest.raises(ImportRefused) as caught:
        for found in recognise(path)[0]:
            check(found)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    assert refusal(tmp_path / "a.txt") == "a.txt : fichier vide"


def test_a_gzip_is_told_as_such(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert refusal(path) == "a.txt : fichier compressé par gzip : le texte, ou un zip, est attendu"


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PERSON_HEADER + "\n")
    assert "aucune ligne de données" in refusal(tmp_path / "a.txt")


def test_the_refusal_of_a_binary_file_shows_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x1b[2J\x07nom;pr\x00\x9bnom\n\x01\n")
    message = refusal(tmp_path / "a.bin")
    assert "vu : ?[2J?nom" in message and message.isprintable()


def test_another_kind_of_file_is_refused_saying_what_was_expected_and_seen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nom;prénom;ville\nx;y;z\n")
    message = refusal(tmp_path / "a.csv")
    assert "qui demande" in message
    assert "vu : nom, prénom, ville" in message


def test_a_missing_key_column_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PERSON_HEADER.replace("Nom d'exercice", "Nom_de_quoi") + "\n")
    assert "colonne obligatoire absente : Nom d'exercice" in refusal(tmp_path / "a.txt")


def test_a_damaged_extract_in_a_folder_is_refused_not_left_aside(tmp_path: Path) -> None:
    f.write_links(tmp_path / "liens.csv", [(f.adeli(1), f.rpps(1))])
    (tmp_path / "a.txt").write_text(PERSON_HEADER.replace("Identifiant PP|", "Autre|") + "\nx\n")
    assert "a.txt" in refusal(tmp_path)


def test_a_caption_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PERSON_HEADER.replace("Libellé rôle", "Code rôle") + "\nx\n")
    assert "présent deux fois : Code rôle" in refusal(tmp_path / "a.txt")


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """1.5 GB of zeros in a zip of 1.5 MB: each block was put behind all that came before, for hours."""
    good = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", good + bytes(32 << 20) + b"\n" + good)
    assert refusal(tmp_path / "a.zip") == "a.zip/a.txt, ligne 3 : ligne de plus de 16 Mio : ce n'est pas une extraction"


def test_a_zip_that_grows_as_no_extract_does_is_refused(tmp_path: Path) -> None:
    """300 kB that became 150 million short lines, held in 16 GB."""
    good = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", good + b"|\n" * (33 << 20))
    assert "bombe" in refusal(tmp_path / "a.zip")


@pytest.mark.parametrize("cut", [1, 30], ids=["no line end", "mid-line"])
def test_a_truncated_last_line_is_refused(tmp_path: Path, cut: int) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(n)) for n in (1, 2)])
    path.write_bytes(path.read_bytes()[:-cut])
    assert "tronqué" in refusal(path)
    assert "ligne 3" in refusal(path)


def test_a_last_line_with_too_few_columns_is_refused(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    path.write_bytes(path.read_bytes()[:-20] + b"\n")
    assert "56 colonnes attendues à la dernière ligne" in refusal(path)


def test_bytes_that_are_not_utf_8_are_refused_with_their_offset(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1), name="CAFÉ")])
    data = path.read_bytes()
    path.write_bytes(data.replace("CAFÉ".encode(), b"CAF\xc9"))
    assert (
        refusal(path)
        == f"a.txt, octet {data.index('É'.encode(), data.index(b'CAF'))} : encodage UTF-8 attendu, octet invalide : "
        "le fichier a-t-il été ouvert et enregistré par un tableur ? Reprenez l'original"
    )


def test_the_link_table_may_be_in_latin_1(tmp_path: Path) -> None:
    for encoding in ("iso-8859-1", "utf-8"):
        path = f.write_links(tmp_path / "l.csv", [(f.adeli(1), f.rpps(1))], encoding)
        assert read(path) == [("links.adeli_rpps", [2])]


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(n)) for n in range(50)])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.txt", "a.txt")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    (tmp_path / "cut.zip").write_bytes(data[:-40])
    assert "zip" in refusal(tmp_path / "cut.zip")
    middle = data.index(b"a.txt") + 5 + 600
    data[middle : middle + 40] = bytes(40)
    (tmp_path / "bad.zip").write_bytes(data)
    assert "zip" in refusal(tmp_path / "bad.zip")


def test_a_quote_never_closed_is_refused(tmp_path: Path) -> None:
    path = f.write_cat18(tmp_path / "c.csv", [f.cat18(f.rpps(1)), f.cat18(f.rpps(2))])
    text = path.read_text()
    path.write_text(text[: text.rindex('"', 0, -2)] + ";" * 5 + "\n")
    with pytest.raises(ImportRefused):
        read(path)


def test_a_path_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        recognise(tmp_path / "absent.txt")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_damaged_whatever_its_method_is_refused(tmp_path: Path, method: int) -> None:
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(n)) for n in range(50)])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.write(tmp_path / "a.txt", "a.txt")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[300:340] = b"\xff" * 40
    (tmp_path / "bad.zip").write_bytes(data)
    assert "abîmée" in refusal(tmp_path / "bad.zip")


def test_a_zip_of_a_method_that_we_do_not_have_is_refused(tmp_path: Path) -> None:
    """Windows packs files of more than 2 GB with deflate64."""
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.txt", "a.txt")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[8], data[data.index(b"PK\1\2") + 10] = 9, 9
    (tmp_path / "a.zip").write_bytes(data)
    assert "méthode" in refusal(tmp_path / "a.zip")


def test_a_folder_within_a_zip_is_no_extract_whatever_its_name(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("day.txt")
        archive.write(path, "day.txt/a.txt")
    assert recognise(tmp_path / "a.zip")[1] == []


def test_two_members_of_one_name_are_refused_since_one_would_be_read_twice(tmp_path: Path) -> None:
    people = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    diplomas = f.write_diplomas(tmp_path / "b.txt", [f.diploma(f.rpps(1))])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(people, "day.txt")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.write(diplomas, "day.txt")
    assert refusal(tmp_path / "a.zip") == "a.zip : deux membres du même nom"


def test_a_value_without_end_in_the_last_line_is_refused(tmp_path: Path) -> None:
    path = f.write_links(tmp_path / "a.csv", [(f.adeli(1), f.rpps(1))])
    path.write_bytes(path.read_bytes() + b'"' + b"1" * 200_000 + b'";"8"\n')
    assert refusal(path).startswith("a.csv, ligne 3 : valeur sans fin")


def test_a_link_that_leads_nowhere_is_refused_not_left_aside(tmp_path: Path) -> None:
    f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    (tmp_path / "latest.zip").symlink_to(tmp_path / "purged.zip")
    assert refusal(tmp_path).endswith("latest.zip : ce fichier n'existe pas")


def test_what_can_be_read_once_only_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert "fichier ordinaire attendu" in refusal(tmp_path / "a.txt")


def test_lines_that_end_with_cr_alone_are_refused_by_name_in_a_folder_too(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    f.write_diplomas(tmp_path / "b.txt", [f.diploma(f.rpps(1))])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    assert refusal(tmp_path) == "a.txt : fins de ligne LF ou CRLF attendues, vu CR seul"
