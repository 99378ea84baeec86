"""Which entries a condition can hold for, as a set made of look-ups: keys, terms of the texts, tokens.  PURE.

Each set is a superset of the entries meant; ``both`` and ``either`` keep that, and keep the sets small to write down.
``paths`` turns a set into the look-ups to run, side by side; their union is again a superset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from directory_service.index.plan.fours import START, terms, writings
from directory_service.index.plan.pieces import Terms
from directory_service.index.plan.starts import asked_start, quoted

COLUMNS: Final = ("sn", "name", "given", "mail", "shown", "org", "work", "place")  # the search texts of an entry


@dataclass(frozen=True, slots=True)
class All:
    """Every entry."""


@dataclass(frozen=True, slots=True)
class KeyIs:
    value: str


@dataclass(frozen=True, slots=True)
class KeyBegins:
    start: str  # of a key


@dataclass(frozen=True, slots=True)
class TagIs:
    token: str
    starts: bool = False  # or any that starts so


@dataclass(frozen=True, slots=True)
class TextHas:
    columns: tuple[str, ...]  # in one of them, or several together
    terms: Terms
    fours: tuple[str, ...] = ()  # letters to look up in ``names``; empty when its columns or its pieces have none


@dataclass(frozen=True, slots=True)
class Both:
    items: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Either:
    items: tuple[Access, ...]


Access = All | KeyIs | KeyBegins | TagIs | TextHas | Both | Either

ALL = All()
NOTHING = Either(())


def both(items: Iterable[Access]) -> Access:
    """Intersection."""
    flat = dict.fromkeys(j for i in items for j in (i.items if isinstance(i, Both) else (i,)))
    flat.pop(ALL, None)
    if NOTHING in flat:
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else Both(tuple(flat)) if flat else ALL


def either(items: Iterable[Access]) -> Access:
    """Union; one text asked for in several columns is one look-up."""
    flat = dict.fromkeys(j for i in items for j in (i.items if isinstance(i, Either) else (i,)))
    if ALL in flat:
        return ALL
    columns: dict[tuple[Terms, tuple[str, ...]], set[str]] = {}
    for item in flat:
        if isinstance(item, TextHas):
            columns.setdefault((item.terms, item.fours), set()).update(item.columns)
    texts: list[Access] = [TextHas(tuple(c for c in COLUMNS if c in found), *terms) for terms, found in columns.items()]
    rest = [item for item in flat if not isinstance(item, TextHas)]
    merged = [*texts, *rest]
    return merged[0] if len(merged) == 1 else Either(tuple(merged))


@dataclass(frozen=True, slots=True)
class Path:
    """One look-up: by any of the keys, by the start of the first family name, else by how a key begins or by one of the
    expressions on ``names``, ``text`` and ``tag``, each of which finds all that is meant."""

    keys: tuple[str, ...] = ()
    text: str = ""
    tag: str = ""
    names: str = ""
    whole: bool = False  # ``names`` asks for all that ``text`` does
    start: str = ""  # of the text ``sn`` of a mailbox
    begins: tuple[str, ...] = ()  # a key begins with one of these

    @property
    def is_other(self) -> bool:
        """Found otherwise than by how a key begins, too."""
        return bool(self.text or self.tag or self.names)

    @property
    def without_names(self) -> Path:
        """The same for entries that ``names`` does not hold."""
        return replace(self, names="", whole=False)


def paths(access: Access) -> tuple[Path, ...] | None:
    """The look-ups whose union is the set.  None: there is no better way than to read all entries."""
    if isinstance(access, All):
        return None
    found = _single(access)
    if found is not None:
        return (found,)
    return _either_paths(access.items) if isinstance(access, Either) else _both_paths(access)


def _single(access: Access) -> Path | None:
    keys, begins, text, tag = _keys(access), _begins(access), _text(access), _tag(access)
    if access == NOTHING or not (keys or begins or text or tag):
        return None
    if keys or begins:
        return Path(keys=tuple(keys or ()), begins=begins or ())
    return _path(access, text or "", tag or "")


def _path(access: Access, text: str, tag: str) -> Path:
    names = _names(access) or ""
    return Path(text=text, tag=tag, names=names, whole=bool(names) and all(t.fours for t in _texts(access)))


def _texts(access: Access) -> list[TextHas]:
    if isinstance(access, Both | Either):
        return [text for item in access.items for text in _texts(item)]
    return [access] if isinstance(access, TextHas) else []


def _either_paths(items: Sequence[Access]) -> tuple[Path, ...] | None:
    """Keys together, their beginnings, texts, tokens; what mixes them, one by one."""
    keys = tuple(dict.fromkeys(k for i in items for k in _keys(i) or ()))
    texts = {i: t for i in items if (t := _text(i))}
    tags = [t for i in items if (t := _tag(i))]
    begins = tuple(dict.fromkeys(b for i in items for b in _begins(i) or ()))
    found = [Path(keys=keys)] if keys else []
    found += [Path(begins=begins)] if begins else []
    found += [_path(Either(tuple(texts)), " OR ".join(texts.values()), "")] if texts else []
    found += [Path(tag=" OR ".join(tags))] if tags else []
    for item in items:
        if _single(item) is None:
            more = paths(item)
            if more is None:
                return None
            found += more
    return tuple(dict.fromkeys(found))


def _both_paths(access: Access) -> tuple[Path, ...] | None:
    """The keys when there are some, for they are few; else how they begin, texts and tokens; a mixed part only for want
    of those."""
    items = access.items if isinstance(access, Both) else (access,)
    keys = [k for i in items if (k := _keys(i))]
    if keys:
        return (Path(keys=tuple(sorted(keys, key=len)[0])),)
    text = " AND ".join(t for i in items if (t := _text(i)))
    tag = " AND ".join(t for i in items if (t := _tag(i)))
    begins: tuple[str, ...] = max((b for i in items if (b := _begins(i))), key=lambda b: min(map(len, b)), default=())
    if begins or text or tag:
        return (replace(_path(access, text, tag), begins=begins),)
    return next((p for i in items if (p := paths(i)) is not None), None)


def _keys(access: Access) -> list[str] | None:
    """The keys of a set that is a union of keys."""
    items = access.items if isinstance(access, Either) else (access,)
    found = [i.value for i in items if isinstance(i, KeyIs)]
    return found if found and len(found) == len(items) else None


def _begins(access: Access) -> tuple[str, ...] | None:
    """The beginnings of keys of a set that is a union of such."""
    items = access.items if isinstance(access, Either) else (access,)
    found = tuple(i.start for i in items if isinstance(i, KeyBegins))
    return found if found and len(found) == len(items) else None


def _text(access: Access) -> str | None:
    """The FTS5 expression of a set that is made of texts only."""
    match access:
        case TextHas(columns, terms):
            return _terms(columns, terms)
        case Both(items):
            return _joined_all(" AND ", [_text(i) for i in items])
        case Either(items):
            return _joined_all(" OR ", [_text(i) for i in items])
        case _:
            return None


def _names(access: Access) -> str | None:
    """The expression on ``names`` that finds at least the set."""
    match access:
        case TextHas(columns, _, fours) if fours:
            return fours_expression(columns, fours)
        case Both(items):
            return _joined_all(" AND ", [found for i in items if (found := _names(i))])
        case Either(items):
            return _joined_all(" OR ", [_names(i) for i in items])
        case _:
            return None


def fours_expression(columns: Sequence[str], texts: Sequence[str]) -> str:
    """What asks ``names`` whether one of the columns has all of the texts; of names, as far as these are told apart."""
    written = columns if START in "".join(texts) else writings(tuple(columns))
    found = [joined(" AND ", [_letters(text, column) for text in texts]) for column in written]
    return joined(" OR ", found)


@lru_cache(maxsize=16_384)
def _letters(text: str, column: str) -> str:
    return joined(" OR ", list(map(quoted, terms(text, column))))


def joined(word: str, parts: Sequence[str]) -> str:
    """In brackets where they are several."""
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})"


def _terms(columns: Sequence[str], terms: Terms) -> str | None:
    asked = _joined_all(" AND ", [quoted(t) for t in terms.every]) or _joined_all(
        " OR ", [quoted(t) for t in terms.some]
    )
    return asked and (f"{{{' '.join(columns)}}}:{asked}" if len(columns) < len(COLUMNS) else asked)


def _tag(access: Access) -> str | None:
    match access:
        case TagIs(token, starts):
            return asked_start(token) if starts else quoted(token)
        case Both(items):
            return _joined_all(" AND ", [_tag(i) for i in items])
        case Either(items):
            return _joined_all(" OR ", [_tag(i) for i in items])
        case _:
            return None


def _joined_all(word: str, parts: Sequence[str | None]) -> str | None:
    """None where one of them is."""
    known = [part for part in parts if part]
    return f"({word.join(known)})" if known and len(known) == len(parts) else None
