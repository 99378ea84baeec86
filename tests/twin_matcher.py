"""The slow, obvious twin of ``Directory.search``: every entry, decoded, one after the other (RFC 4511 4.5.1.7).

Written from the RFC and the attribute table, with nothing of ``index.plan``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import product

from directory_service.entries.attributes import ATTRIBUTES, Attribute, find_attribute, prepare
from directory_service.entries.comparing import MatchRule
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, Entry, branch_of
from directory_service.errors import NotFound
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    HasTag,
    InText,
    LessOrEqual,
    Not,
    Or,
    Present,
    Query,
    Scope,
    Substrings,
)
from directory_service.ldap.ber import SET, Reader
from directory_service.ldap.dn import entry_uuid, normalise, parse_dn
from directory_service.model import nomenclature
from directory_service.model.identifiers import is_adeli, is_rpps
from directory_service.model.names import fold, squash
from directory_service.model.nicknames import is_nickname
from directory_service.model.nomenclature import DEPARTMENTS
from directory_service.model.phonetics import code, heard, units
from directory_service.model.streets import other_ways
from directory_service.model.vocabulary import ARTICLES, System, terms
from ldap_schema.matching import RULES
from ldap_schema.schema import load

SUBSTRING_RULES = {MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.DIGITS}
ORDERING_RULES = {
    MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.TIME, MatchRule.UUID,
}  # fmt: skip
SOUNDED = {"cn", "sn", "givenName"}


def twin_search(entries: Iterable[Entry], suffix: str, query: Query, view: int) -> list[int]:
    """Ids of all that match, in rank order, whatever the limit.  Raises NotFound as the directory does."""
    seen = [e for e in entries if e.view <= view]
    base = query.base if query.base or query.scope == Scope.BASE else normalise(suffix)
    scope = query.scope
    if not query.base and scope == Scope.ONE:
        scope = Scope.BASE
    if base not in {normalise(e.dn) for e in seen}:
        raise NotFound("no such base")
    found = [e for e in seen if in_scope(normalise(e.dn), base, scope) and matches(e, query.filter)]
    return sorted(e.id for e in found if e.id > (query.after or 0))


def in_scope(name: str, base: str, scope: Scope) -> bool:
    rdns, above = parse_dn(name), parse_dn(base)
    depth = len(rdns) - len(above)
    if depth < 0 or rdns[depth:] != above:
        return False
    return {Scope.BASE: depth == 0, Scope.ONE: depth == 1, Scope.SUBTREE: True}[scope]


def attributes_of(entry: Entry) -> dict[str, list[bytes]]:
    reader = Reader(entry.ber)
    reader.octets()
    found = {
        "createtimestamp": [entry.created.encode()],
        "modifytimestamp": [entry.changed.encode()],
        "entrydn": [entry.dn.encode()],
        "entryuuid": [entry_uuid(normalise(entry.dn)).encode()],
        "subschemasubentry": [b"cn=Subschema"],
        "hassubordinates": [b"TRUE" if branch_of(entry.id) == CONTAINER else b"FALSE"],
    }
    rows = reader.enter()
    while rows.more:
        row = rows.enter()
        name, values = row.octets().decode().lower(), row.enter(SET)
        found[name] = []
        while values.more:
            found[name].append(values.octets())
    classes = [v.decode() for v in found["objectclass"]]
    found["structuralobjectclass"] = [load().structural(classes).encode()]
    return found


def matches(entry: Entry, asked: Filter) -> bool | None:
    match asked:
        case And(items):
            results = [matches(entry, i) for i in items]
            return False if False in results else None if None in results else True
        case Or(items):
            results = [matches(entry, i) for i in items]
            return True if True in results else None if None in results else False
        case Not(inner):
            found = matches(entry, inner)
            return None if found is None else not found
        case InText(columns, piece):
            return any(piece in getattr(entry, c) for c in columns)
        case HasTag(token, starts):
            return any(held.startswith(token) if starts else held == token for held in entry.tags.split())
        case Extensible():
            return extensible(entry, asked)
        case Present() | Equal() | Approx() | Substrings() | GreaterOrEqual() | LessOrEqual():
            return assertion(entry, asked)
        case _:
            return None


def assertion(entry, asked):  # type: ignore[no-untyped-def]
    """About a type and all that derive from it, options aside: no entry has any."""
    name, _, option = asked.attribute.partition(";")
    definition = load().resolve(name)
    if definition is None:
        return None
    held = {} if option else attributes_of(entry)
    results = [one_type(entry, a.name, held, asked) for a in served(definition)]
    return True if True in results else None if None in results else False


def served(definition):  # type: ignore[no-untyped-def]
    """Subtypes that entries may hold; the type itself when there is none."""
    return [a for a in load().subtypes(definition) if a.name.lower() in ATTRIBUTES] or [definition]


def one_type(entry, name, every, asked):  # type: ignore[no-untyped-def]
    attribute = find_attribute(name)
    held = every.get(name.lower(), [])
    if isinstance(asked, Present):
        return bool(held)
    values = [p for v in held if (p := prepare(attribute, v))]
    spelt = [form for v in held for form in others(name, v)]
    if isinstance(asked, Substrings):
        ways = [[part, *otherwise(name, part)] for part in (asked.initial, *asked.any, asked.final)]
        each = [Substrings(name, first, tuple(middle), last) for first, *middle, last in product(*ways)]
        results = [substrings(attribute, way, values + spelt) for way in each]
        found = True if True in results else results[0]
        only = [part for part in (asked.initial, *asked.any, asked.final) if part]
        one = len(only) == 1 and len(only[0]) >= 3 and name != "st"
        return found or (any(is_called(name, v, only[0]) for v in held) if one and found is False else found)
    wanted = prepare(attribute, asked.value)
    if not wanted:
        return None
    if isinstance(asked, Approx) and name in SOUNDED and branch_of(entry.id) in (BAL, PEOPLE):
        return any(is_alike(asked.value.decode(), v.decode()) for v in held)
    if isinstance(asked, Equal | Approx):
        meant = [wanted, *(prepare(attribute, way) for way in otherwise(name, asked.value))]
        return any(way in values + spelt for way in meant) or any(is_called(name, v, asked.value) for v in held)
    if attribute.rule not in ORDERING_RULES:
        return None
    if attribute.rule is MatchRule.MAIL:
        values, wanted = [written(v) for v in held], written(asked.value)
    return any(v >= wanted if isinstance(asked, GreaterOrEqual) else v <= wanted for v in values)


def written(address: bytes) -> str:
    """Of which texts write two signs otherwise."""
    return address.decode().strip().casefold()


def others(name: str, value: bytes) -> list[str]:
    """The other spellings that a value matches by."""
    text = value.decode()
    if name == "l":
        return towns(fold(text))
    if name == "st":
        return [code.lower() for code, label in DEPARTMENTS.items() if fold(label) == fold(text)]
    if name in ("asRpps", "asAdeli"):
        digit, is_one = ("8", is_rpps) if name == "asRpps" else ("0", is_adeli)
        return [digit + text.lower()] if is_one(text) else []
    return saints(name, value)


def towns(text: str) -> list[str]:
    """Without what the mail adds, *Saint* short and in full; a district of Paris, Lyon or Marseille by its number."""
    bare = re.sub(r" arrondissement\S*$", "", re.sub(r"(^| )cedex\b.*", "", text))
    bare = re.sub(r"( \d\S*)+$", "", "" if bare.startswith("arrondissement") and " " not in bare else bare)
    found = [bare, re.sub(r"\bs(tes|te|ts|t)\b(?= )", r"sain\1", bare),
             re.sub(r"\bsain(tes|te|ts|t)\b(?= )", r"s\1", bare)]  # fmt: skip
    numbers = re.findall(r"(?<= )0?([1-9][0-9]?)(?:er|e|eme)?(?= |$)", text)
    if len(numbers) == 1 and int(numbers[0]) <= {"paris": 20, "lyon": 9, "marseille": 16}.get(bare, 0):
        n = int(numbers[0])
        nth = f"{n}e" if n > 1 else "1er"
        ways = (f"{n}", f"{n:02}", nth, f"{n}eme", f"{nth} arrondissement", f"cedex {n:02}")
        found += [f"{bare} {way}" for way in ways]
    return [form for form in found if form]


def otherwise(name: str, said: bytes) -> list[bytes]:
    """A street, or a town with its post office, as the register has it."""
    text = fold(said.decode("utf-8", "replace")) if len(said) <= 128 else ""
    if name == "street":
        text = re.sub(r"\b(\d+)(bis|ter|quater)\b", r"\1 \2", text)
        text = re.sub(r"\b([0-9]{1,4})([abctq])\b", r"\1 \2", text)
        found = text.split()
        each = [(word, *other_ways(word, found[n - 1] if n else "")) for n, word in enumerate(found)]
        return [" ".join(way).encode() for way in product(*each) if len(" ".join(way)) > 3 or len(found) > 1]
    if name != "l" or not re.search(r"\bcedex\b", text) or len(towns(text)) > 3:
        return []
    return [bare.encode() for bare in towns(text)[:1]]


def is_called(name: str, value: bytes, said: bytes) -> bool:
    """A label, by what people call it; a département, by one digit of its code."""
    text, asked = value.decode(), said.decode()
    if name == "st":
        return len(asked.strip()) == 1 and "0" + asked.strip() in (fold(text), *others(name, value))
    system, labels = {
        "title": (System.PROFESSION, nomenclature.codes("profession")),
        "asSpecialty": (System.SPECIALTY, nomenclature.codes("expertise")),
    }.get(name, (None, {}))
    return any(
        fold(labels.get(code, "\0")) == fold(text)
        for term in terms()
        if term.system is system and term.whole and term.said == {*fold(asked).split()} - ARTICLES
        for code in term.codes
    )


def saints(name: str, value: bytes) -> list[str]:
    """A name with each Saint before another word written short, or in full."""
    if name not in ("cn", "sn", "givenName", "o", "HcRegisteredName", "street"):
        return []
    short, full = r"\b(s)ain(tes|te|ts|t)\b(?= )", r"\b(s)(tes|te|ts|t)\b(?= )"
    text = fold(value.decode())
    spelt = [re.sub(short, r"\1\2", text), re.sub(full, r"\1ain\2", text)]
    return [s.replace(" ", "") for s in spelt] if name in SOUNDED else spelt


# --- ~= on a name ----------------------------------------------------------------------------------------------------


def is_alike(typed: str, name: str) -> bool:
    if squash(typed) == squash(name):
        return True
    wanted = units(typed) if len(typed.encode()) <= 128 else ()
    return bool(wanted) and each_its_own(
        [{p for p in heard(name) if any(is_meant(w, p) for w in ways)} for ways in wanted]
    )


def each_its_own(choices: list[set[str]]) -> bool:
    return not choices or any(each_its_own([other - {one} for other in choices[1:]]) for one in choices[0])


def is_meant(typed: str, word: str) -> bool:
    return is_near(typed, word) or is_nickname(typed, word)


def is_near(typed: str, word: str) -> bool:
    if typed == word or heard_alike(typed, word) or heard_alike(word, typed):
        return True
    if not 4 <= len(typed) <= 32:
        return False
    return edits(typed, word) <= (2 if len(typed) >= 7 and len(word) >= 8 else 1)


def heard_alike(one: str, other: str) -> bool:
    """The same code, or one that an E in the place of an É would have."""
    if code(other) == "0":
        return False
    return code(one) == code(other) or (
        len(one) > 2 and bool(re.search("[^e]e$", one)) and code(one) + "e" == code(other)
    )


def edits(one: str, other: str) -> int:
    """Letters added, left out, changed or exchanged with their neighbour: the whole table."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        rows.append([i])
        for j, b in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]


# --- extensible match (RFC 4511 4.5.1.7.7) ---------------------------------------------------------------------------


def extensible(entry, asked):  # type: ignore[no-untyped-def]
    rule = next((r for r in RULES if r.name == asked.rule), None)
    if bool(asked.rule) != bool(rule):
        return None
    name, _, option = asked.attribute.partition(";")
    definition = load().resolve(name) if name else None
    if name and (definition is None or (rule and not load().suits(rule, definition))):
        return None
    every = [load().resolve(a.name) for a in ATTRIBUTES.values()]
    types = [definition] if name else [d for d in every if load().suits(rule, d)]
    types = list(dict.fromkeys(a for d in types for a in served(d)))
    results = [one_rule(entry, a, rule, asked.value, asked.dn, option) for a in types]
    return True if True in results else None if None in results else False


def one_rule(entry, definition, rule, value, dn, option):  # type: ignore[no-untyped-def]
    attribute = find_attribute(definition.name)
    held = attributes_of(entry).get(definition.name.lower(), [])
    if dn:
        parts = [part for rdn in parse_dn(entry.dn) for part in rdn]
        held = held + [v.encode() for kind, v in parts if kind == definition.name.lower()]
    if option:
        held = []
    if rule and rule.equality and attribute.branches:
        return by_substrings(attribute, rule, value, held)
    wanted = prepare(attribute, value)
    if not wanted:
        return None
    if not rule or rule.name not in STANDARD:
        return any(
            wanted in (prepare(attribute, v), *others(attribute.name, v)) or is_called(attribute.name, v, value)
            for v in held
        )
    standard = STANDARD[rule.name]
    return any(
        wanted in (prepare(attribute, v), *others(attribute.name, v))
        and standard(v.decode()) == standard(value.decode())
        for v in held
    )


def by_substrings(attribute, rule, value, held):  # type: ignore[no-untyped-def]
    if b"*" not in value or value == b"*" * len(value):
        return None
    parts = [re.sub(rb"(?i)\\(2a|5c)", lambda m: bytes.fromhex(m[1].decode()), p) for p in value.split(b"*")]
    plain = Substrings(attribute.name, parts[0], tuple(p for p in parts[1:-1] if p), parts[-1])
    defined = substrings(attribute, plain, [])
    standard = STANDARD.get(rule.equality)
    texts = [standard(p.decode(errors="replace")) for p in parts] if standard else []
    if defined is None:
        return None
    return any(
        substrings(attribute, plain, [prepare(attribute, v) or "", *others(attribute.name, v)])
        and (not standard or holds(standard(v.decode()), texts[0], texts[1:-1], texts[-1]))
        for v in held
    )


def ignoring_case(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.casefold()).casefold())
    return " ".join(folded.split())


STANDARD = {
    "caseIgnoreMatch": ignoring_case,
    "caseIgnoreIA5Match": ignoring_case,
    "caseExactMatch": lambda text: " ".join(unicodedata.normalize("NFKC", text).split()),
    "caseExactIA5Match": lambda text: " ".join(unicodedata.normalize("NFKC", text).split()),
    "numericStringMatch": lambda text: text.replace(" ", ""),
    "telephoneNumberMatch": lambda text: text.casefold().replace(" ", "").replace("-", ""),
}

# --- substrings ------------------------------------------------------------------------------------------------------


def substrings(attribute: Attribute, asked: Substrings, values: list[str]) -> bool | None:
    raws = [asked.initial, *asked.any, asked.final]
    if attribute.rule not in SUBSTRING_RULES or not all(map(is_utf8, raws)):
        return None
    initial, *middle, final = [prepare(attribute, raw) or "" if raw else "" for raw in raws]
    if not any([initial, *middle, final]):
        return None
    return any(holds(v, initial, middle, final) for v in values)


def holds(value: str, initial: str, middle: list[str], final: str) -> bool:
    if not value.startswith(initial):
        return False
    rest = value[len(initial) :]
    for part in middle:
        _, found, rest = rest.partition(part) if part else ("", "", rest)
        if part and not found:
            return False
    return rest.endswith(final)


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
