"""Bad rows, as the real files have them, put in on purpose and written down in ``defects.csv``.

``rate`` is the share of the rows of each file that are made bad; the kinds of that file take turns.  Stray quotes are
not here: they are data, and every sample has some.  Exact duplicates should hurt nobody.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Fields = list[str]
# Turns the fields of a row into the fields of a bad row; None: this row cannot be made bad that way.
Spoil = Callable[[Fields], Fields | None]


def _put(column: int, value: str) -> Spoil:
    return lambda f: [*f[:column], value, *f[column + 1 :]]


def _other_key(number: str) -> str:
    return f"{number[:-1]}{(int(number[-1]) + 3) % 10}"


def _wrong_key(column: int, *, repeated: bool = False) -> Spoil:
    """Another last digit, here and in the third column where it repeats the number behind a type digit."""

    def spoil(f: Fields) -> Fields | None:
        spoilt = list(f)
        spoilt[column] = _other_key(f[column])
        if repeated:
            spoilt[2] = f[0] + spoilt[column]
        return spoilt

    return spoil


def _unless_empty(column: int, spoil: Spoil) -> Spoil:
    return lambda f: spoil(f) if f[column] else None


def _lose_a_column(f: Fields) -> Fields:
    return f[:-2]


def _gain_a_column(f: Fields) -> Fields:
    return [*f[:6], "", *f[6:]]


def _bad_address(f: Fields) -> Fields:
    return [f[0], f[1].replace("@", "" if len(f[1]) % 2 else " @ "), *f[2:]]


_COLUMNS: dict[str, Spoil] = {"columns_missing": _lose_a_column, "columns_extra": _gain_a_column}
_PERSON: dict[str, Spoil] = {"name_missing": _unless_empty(7, _put(7, ""))}
_ACTIVITY: dict[str, Spoil] = {
    **_COLUMNS, **_PERSON,
    "postcode": _unless_empty(35, _put(35, "ABCDE")),
    "unknown_code": _put(9, "999"),
    "label_mismatch": _put(10, "Profession inconnue"),
    "street_number": _unless_empty(35, _put(28, "12/14;BIS#")),
}  # fmt: skip
_NAMED: dict[str, Spoil] = {**_COLUMNS, "rpps_key": _wrong_key(1, repeated=True), "name_missing": _put(3, "")}

# Spoilers by file; "duplicate" repeats the row.
KINDS: dict[str, dict[str, Spoil]] = {
    "activity": {**_ACTIVITY, "rpps_key": _wrong_key(1, repeated=True)},
    "adeli": {**_ACTIVITY, "adeli_key": _wrong_key(1, repeated=True)},
    "diploma": {**_NAMED, "unknown_code": _put(7, "ZZ99"), "label_mismatch": _put(8, "Diplôme inconnu")},
    "expertise": {**_NAMED, "unknown_code": _put(11, "ZZ99"), "label_mismatch": _put(12, "Savoir-faire inconnu")},
    "mailbox": {
        **_COLUMNS,
        "rpps_key": lambda f: _mailbox_key(f) if f[2] == "8" else None,
        "address": _bad_address,
        "name_missing": _unless_empty(9, _put(9, "")),
        "unknown_code": _put(0, "XYZ"),
        "postcode": _unless_empty(28, _put(28, "ABCDE")),
        "label_mismatch": _unless_empty(13, _put(14, "Profession inconnue")),
    },
    "cat18": {
        **_COLUMNS,
        "rpps_key": _wrong_key(1, repeated=True),
        "name_missing": _put(5, ""),
        "unknown_code": _put(7, "999"),
    },
    "links": {"columns_missing": lambda f: f[:1], "adeli_key": _wrong_key(0), "rpps_key": _wrong_key(1)},
}


def _mailbox_key(f: Fields) -> Fields:
    bad = _other_key(f[3])
    return [*f[:3], bad, f"8{bad}", *f[5:]]


def _split(file: str, line: str) -> Fields:
    if file == "cat18":
        return line[1:-1].split('";"')
    return line.split(";" if file == "links" else "|")


def _join(file: str, fields: Fields) -> str:
    if file == "cat18":
        return '"' + '";"'.join(fields) + '"'
    return (";" if file == "links" else "|").join(fields)


def spoil(
    file: str, lines: list[str], rate: float, rng: np.random.Generator
) -> tuple[list[str], list[tuple[int, str]]]:
    """The lines with bad ones among them, and where they are: (index from 0, kind)."""
    kinds = [*KINDS.get(file, {}), "duplicate"]
    if rate <= 0 or file not in KINDS:
        return lines, []
    chosen = np.flatnonzero(rng.random(len(lines)) < rate).tolist()
    turn, out, found, done = int(rng.integers(len(kinds))), [], [], 0
    for index in chosen:
        out += lines[done:index]
        done = index + 1
        kind, text = _next(file, kinds, turn, lines[index])
        turn += 1
        if kind == "duplicate":
            out.append(text)
        found.append((len(out), kind))
        out.append(text)
    return out + lines[done:], found


def _next(file: str, kinds: list[str], turn: int, line: str) -> tuple[str, str]:
    """The first kind from ``turn`` on that this row can suffer, and the row then."""
    fields = _split(file, line)
    for shift in range(len(kinds)):
        kind = kinds[(turn + shift) % len(kinds)]
        if kind == "duplicate":
            return kind, line
        if (bad := KINDS[file][kind](fields)) is not None:
            return kind, _join(file, bad)
    return "duplicate", line
