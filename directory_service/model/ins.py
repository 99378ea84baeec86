"""The national health identifier of a patient (*INS*, identifiant national de santé), which is her address.  PURE.

A patient's address is her number and the citizens' domain, ``<INS>@patient.mssante.fr``: a pattern with a key, never an
entry of a directory (formats.md §4).  The number is a NIR, or a NIA for who waits for one: 13 characters (sex, year and
month of birth, department, commune, serial) and the key, 97 less the rest of the number by 97; before that, Corsica's
2A counts as 19 and 2B as 18.  Sources: decree 82-103 of 22 January 1982 (the number), INSEE's definition of the NIR
(the key, Corsica, months of incomplete birth records), *Référentiel INS* (NIR or NIA).
Nothing here knows whether a number was issued.
"""

from __future__ import annotations

import re
from typing import Final

PATIENT_DOMAIN: Final = "patient.mssante.fr"

# Sex 1, 2; 3, 4 and 7, 8 for numbers given while the birth record is awaited.  Months: 01 to 12; 20 to 42 and 50 to 99
# where the birth record is incomplete.  Department: 01 to 95, 2A and 2B, 96 to 98 overseas and old ones, 99 abroad.
_FORM: Final = re.compile(
    r"[123478][0-9]{2}(?:0[1-9]|1[0-2]|[23][0-9]|4[0-2]|[5-9][0-9])(?:0[1-9]|[1-9][0-9]|2[AB])[0-9]{3}"
    r"(?!000)[0-9]{3}[0-9]{2}",
    re.ASCII,
)
_CORSICA: Final = {"2A": "19", "2B": "18"}


def ins_key(number: str) -> str:
    """The two digits of the key of 13 characters of the form of a NIR."""
    department = number[5:7].upper()
    counted = number[:5] + _CORSICA.get(department, department) + number[7:]
    return f"{97 - int(counted) % 97:02d}"


def is_ins(text: str) -> bool:
    """Whether these are 15 characters of the form of a NIR or NIA whose key is right; letters in either case."""
    number = text.upper()
    return _FORM.fullmatch(number) is not None and ins_key(number[:13]) == number[13:]
