"""Small valid extracts of each layout, from dicts of our field names (``importers/*/layout.py``).

``write_activity(path, [activity(rpps(1), family_name="ESSAI")])``: the header is the verbatim one of today, fields left
out are empty.  Every number and name is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from record_factories import luhn

from importers.cat18.columns import CAT18_COLUMNS
from importers.cat18.layout import CAT18
from importers.links.layout import LINKS
from importers.mssante.layout import MAILBOXES
from importers.rows import Layout
from importers.rpps.layout import ACTIVITY, DIPLOMA, EXPERTISE
from importers.sample.headers import DIPLOMA_HEADER, EXPERTISE_HEADER, MAILBOX_HEADER, PERSON_HEADER

Values = Mapping[str, str]

CAT18_HEADER = ";".join(f'"{caption}"' for _, caption in CAT18_COLUMNS)
LINK_HEADER = "N° ADELI;N° RPPS"


def rpps(serial: int) -> str:
    return luhn(f"108{serial:07d}")


def adeli(serial: int, department: str = "75", profession: str = "60") -> str:
    return luhn(f"{department}{profession}{serial:04d}")


def finess(serial: int) -> str:
    return luhn(f"75{serial:06d}")


def siret(serial: int) -> str:
    siren = luhn(f"{50_000_000 + serial:08d}")
    return luhn(siren + "0001")


def person(number: str, **fields: str) -> dict[str, str]:
    """Identifier fields of a person: RPPS if it has 11 digits, else ADELI."""
    kind = "8" if len(number) == 11 else "0"
    names = {"family_name": "ESSAI", "given_names": "Zoé"}
    return {"id_type": kind, "id": number, "national_id": kind + number, **names, **fields}


def activity(number: str, **fields: str) -> dict[str, str]:
    """A row of Personne_activite: a nurse in a hospital, unless told otherwise."""
    values = {
        "civility_code": "MME",
        "civility": "Madame",
        "profession_code": "60",
        "profession": "Infirmier",
        "category_code": "C",
        "category": "Civil",
        "mode_code": "S",
        "mode": "Salarié",
        "technical_id": "F" + finess(1),
        "finess": finess(1),
        "name": "HOPITAL D'ESSAI",
        "postcode": "75013",
        "city": "Paris",
    }
    return {**person(number), **values, **fields}


def diploma(number: str, **fields: str) -> dict[str, str]:
    values = {"diploma_type_code": "DE", "diploma_type": "Diplôme d'Etat français", "diploma_code": "DE01"}
    return {**person(number), **values, **fields}


def expertise(number: str, **fields: str) -> dict[str, str]:
    values = {"profession_code": "10", "category_code": "C", "expertise_type_code": "S", "expertise_code": "SM04",
              "expertise": "Cardiologie et maladies vasculaires"}  # fmt: skip
    return {**person(number), **values, **fields}


def mailbox(address: str, number: str = "", **fields: str) -> dict[str, str]:
    """A line of the MSSanté extract: PER for a number, ORG of the hospital of ``activity`` otherwise."""
    if number:
        return {"type": "PER", "address": address, **person(number), "profession_code": "60", **fields}
    place = {"place_type": "1", "place_id": finess(1), "name": "HOPITAL D'ESSAI"}
    return {"type": "ORG", "address": address, **place, **fields}


def cat18(number: str, address: str = "", **fields: str) -> dict[str, str]:
    return {**activity(number), "address": address, **fields}


def pipe_text(layout: Layout, header: str, rows: Iterable[Values]) -> str:
    """An extract with ``|``: no quoting, one header line."""
    columns = layout.match(header.split("|")).columns
    lines = [header]
    for row in rows:
        values = [""] * len(header.split("|"))
        for name, value in row.items():
            if name in columns:
                values[columns[name]] = value
        lines.append("|".join(values))
    return "\n".join(lines) + "\n"


def quoted_text(layout: Layout, header: str, rows: Iterable[Values]) -> str:
    """An extract with ``;`` and every field double-quoted."""
    captions = [c.strip('"') for c in header.split(";")]
    columns = {index: name for name, index in layout.match(captions).columns.items()}
    lines = [header]
    for row in rows:
        values = [row.get(columns.get(i, ""), "") for i in range(len(captions))]
        lines.append(";".join('"' + v.replace('"', '""') + '"' for v in values))
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def write_activity(path: Path, rows: Iterable[Values]) -> Path:
    return _write(path, pipe_text(ACTIVITY, PERSON_HEADER, rows))


def write_diplomas(path: Path, rows: Iterable[Values]) -> Path:
    return _write(path, pipe_text(DIPLOMA, DIPLOMA_HEADER, rows))


def write_expertise(path: Path, rows: Iterable[Values]) -> Path:
    return _write(path, pipe_text(EXPERTISE, EXPERTISE_HEADER, rows))


def write_mailboxes(path: Path, rows: Iterable[Values]) -> Path:
    return _write(path, pipe_text(MAILBOXES, MAILBOX_HEADER, rows))


def write_cat18(path: Path, rows: Iterable[Values]) -> Path:
    return _write(path, quoted_text(CAT18, CAT18_HEADER, rows))


def write_links(path: Path, pairs: Iterable[tuple[str, str]], encoding: str = "iso-8859-1") -> Path:
    text = "\r\n".join([LINK_HEADER, *(f"{a};{r}" for a, r in pairs)]) + "\r\n"
    path.write_bytes(text.encode(encoding))
    return path


__all__ = [
    "LINKS",
    "activity",
    "adeli",
    "cat18",
    "diploma",
    "expertise",
    "finess",
    "mailbox",
    "person",
    "rpps",
    "siret",
]
