"""Which attribute compares how, and which part of an entry finds it: the table that index and faces plan with.  PURE.

Every line is a promise that ``render`` keeps and ``tests/unit/test_entries_promises.py`` checks on whole entries:
a value of the attribute is always inside one of its ``columns``, always has its ``tag`` and always has its ``key``, so
that these find a superset of the entries that match.  What the wire calls these attributes is ``ldap_schema``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from directory_service.entries.comparing import PREPARE, MatchRule
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, STRUCTURES
from directory_service.entries.marks import marked, unmarked
from directory_service.ldap.dn import parse_dn, uuid_start
from directory_service.model.identifiers import is_adeli, is_rpps
from directory_service.model.names import fold, other_spellings, other_wordings, squash
from directory_service.model.nomenclature import code_of_department, codes
from directory_service.model.towns import other_towns, town_key
from ldap_schema.schema import load

EVERYWHERE: Final = frozenset((CONTAINER, BAL, PEOPLE, STRUCTURES))
NOWHERE: Final[frozenset[int]] = frozenset()
_B, _P, _S = frozenset((BAL,)), frozenset((PEOPLE,)), frozenset((STRUCTURES,))


@dataclass(frozen=True, slots=True)
class Attribute:
    """``name`` is the canonical one, which ``ldap_schema`` resolves aliases and OIDs to."""

    name: str
    rule: MatchRule
    branches: frozenset[int]  # where entries may hold it
    always: frozenset[int] = NOWHERE  # where every entry holds it
    columns: tuple[str, ...] = ()  # texts of the entry that hold all its values
    tag: str = ""  # letter of its tokens
    key: str = ""  # letter of its keys; "*": the value itself says which (HcIdentifier)
    segment: int | None = None  # only this part of ``a:b:c`` makes the tag
    operational: bool = False  # on request only; created and changed, not BER


_NAME, _TEXT, _EXACT, _TIME = MatchRule.NAME, MatchRule.TEXT, MatchRule.EXACT, MatchRule.TIME
_BPS = _B | _P | _S
_TABLE: Final = (
    Attribute("objectClass", MatchRule.CLASS, EVERYWHERE, always=EVERYWHERE),
    # names
    Attribute("cn", _NAME, _BPS, always=_BPS, columns=("name",)),
    Attribute("sn", _NAME, _B | _P, always=_B | _P, columns=("sn",)),
    Attribute("givenName", _NAME, _B | _P, columns=("given",)),
    Attribute("displayName", _NAME, _BPS, always=_BPS, columns=("shown",)),
    Attribute("personalTitle", _TEXT, _B | _P, columns=("work",)),
    # mail
    Attribute("mail", MatchRule.MAIL, _BPS, always=_B, columns=("mail",), key="m"),
    # work and place
    Attribute("title", _TEXT, _B | _P, columns=("work",)),
    Attribute("asSpecialty", _TEXT, _B | _P, columns=("work",)),
    Attribute("o", _TEXT, _BPS | {CONTAINER}, always=_S, columns=("org",)),
    Attribute("ou", _TEXT, _B | {CONTAINER}, columns=("org",)),
    Attribute("description", _TEXT, _B | {CONTAINER}, columns=("org",)),
    Attribute("street", _TEXT, _BPS, columns=("place",)),
    Attribute("postalCode", _EXACT, _BPS, columns=("place",), tag="z"),
    Attribute("l", _TEXT, _BPS, columns=("place",), tag="l"),
    Attribute("st", _TEXT, _BPS, columns=("place",)),
    Attribute("telephoneNumber", MatchRule.DIGITS, _BPS, columns=("place",)),
    Attribute("facsimileTelephoneNumber", MatchRule.DIGITS, _BPS, columns=("place",)),
    # identity
    Attribute("uid", _EXACT, _BPS, always=_BPS, key="u"),
    Attribute("asNationalId", _EXACT, _B | _P, always=_P, key="i"),
    Attribute("asRpps", _EXACT, _B | _P, key="i8"),
    Attribute("asAdeli", _EXACT, _B | _P, key="i0"),
    Attribute("asStructureId", _EXACT, _BPS, always=_S, tag="o"),
    Attribute("asFiness", _EXACT, _BPS, tag="f"),
    Attribute("asSiret", _EXACT, _BPS, tag="n"),
    # codes
    Attribute("asProfessionCode", _EXACT, _B | _P, tag="p"),
    Attribute("asCategoryCode", _EXACT, _B | _P, tag="k"),
    Attribute("asSpecialtyCode", _EXACT, _B | _P, tag="s"),
    Attribute("asModeCode", _EXACT, _B | _P, tag="m"),
    Attribute("asSectorCode", _EXACT, _BPS, tag="e"),
    Attribute("asCategory", _TEXT, _B | _P),
    Attribute("asMode", _TEXT, _B | _P),
    Attribute("asSector", _TEXT, _BPS),
    # state
    Attribute("asStatus", _EXACT, _BPS, always=_BPS, tag="a"),
    Attribute("asMailboxType", _EXACT, _B, always=_B, tag="t"),
    Attribute("asPaperless", MatchRule.BOOLEAN, _B, tag="d"),
    Attribute("asPreferred", MatchRule.BOOLEAN, _B, tag="r"),
    Attribute("asOperator", _TEXT, _B, tag="v"),
    Attribute("asSince", _TIME, _B | _P, always=_B),
    # ISO 21091 and IHE HPD
    Attribute("HcRegisteredName", _TEXT, _S, columns=("org",)),
    Attribute("HcIdentifier", _EXACT, _P | _S, always=_P | _S, key="*"),
    Attribute("HcProfession", _TEXT, _P, always=_P, tag="p", segment=2),
    Attribute("HcSpecialisation", _TEXT, _P, tag="s", segment=2),
    Attribute("hpdProviderStatus", _EXACT, _P | _S, always=_P | _S, tag="a"),
    Attribute("hpdMedicalRecordsDeliveryEmailAddress", MatchRule.MAIL, _P, columns=("mail",), key="m"),
    # containers
    Attribute("c", _EXACT, frozenset((CONTAINER,))),
    Attribute("dc", _EXACT, frozenset((CONTAINER,))),
    # operational
    Attribute("createTimestamp", _TIME, EVERYWHERE, always=EVERYWHERE, operational=True),
    Attribute("modifyTimestamp", _TIME, EVERYWHERE, always=EVERYWHERE, operational=True),
    Attribute("entryDN", MatchRule.DN, EVERYWHERE, always=EVERYWHERE, key="u", operational=True),
    Attribute("entryUUID", MatchRule.UUID, EVERYWHERE, always=EVERYWHERE, key="e", operational=True),
    Attribute("structuralObjectClass", MatchRule.CLASS, EVERYWHERE, always=EVERYWHERE, operational=True),
    Attribute("subschemaSubentry", MatchRule.DN, EVERYWHERE, always=EVERYWHERE, operational=True),
    Attribute("hasSubordinates", MatchRule.BOOLEAN, EVERYWHERE, always=EVERYWHERE, operational=True),
)

ATTRIBUTES: Final[dict[str, Attribute]] = {a.name.lower(): a for a in _TABLE}
# Attributes that hold the labels of a nomenclature: its name, and the attribute of the codes.
LABELS: Final = {
    "asCategory": ("category", "asCategoryCode"),
    "asMode": ("mode", "asModeCode"),
    "asSector": ("sector", "asSectorCode"),
}
# Attributes whose ``~=`` is by sound and typing errors, and where their entries have the tokens for it.
SOUNDED: Final[dict[str, frozenset[int]]] = dict.fromkeys(("cn", "sn", "givenName"), _B | _P)
# Attributes whose values match by other spellings too, prepared already, and what gives these.
SPELT: Final[dict[str, Callable[[str], tuple[str, ...]]]] = {
    **dict.fromkeys(SOUNDED, other_spellings),
    **dict.fromkeys(("o", "HcRegisteredName", "street"), other_wordings),
    "l": other_towns,
    "st": code_of_department,
    "asRpps": lambda value: (f"8{value}",) if is_rpps(value) else (),
    "asAdeli": lambda value: (f"0{value.casefold()}",) if is_adeli(value) else (),
}


@lru_cache(maxsize=1024)
def find_attribute(name: str) -> Attribute | None:
    """By canonical name: of the table, else of the schema and in no entry; None for neither."""
    found = ATTRIBUTES.get(name.lower())
    definition = None if found else load().resolve(name)
    if found or definition is None:
        return found
    schema = load()
    if schema.substr_of(definition):
        rule = _EXACT
    else:
        rule = _BY_SYNTAX.get(schema.syntax_of(definition).rpartition(".")[2], MatchRule.OCTETS)
    return Attribute(definition.name, rule if schema.equality_of(definition) else MatchRule.NONE, NOWHERE)


_BY_SYNTAX: Final = {"7": MatchRule.BOOLEAN, "12": MatchRule.DN, "24": _TIME}


@lru_cache(maxsize=1024)
def subtypes(name: str) -> tuple[str, ...]:
    """The canonical names that an assertion about this one is about (RFC 4511 4.5.1.7, RFC 4512 2.5.1): itself and
    what derives from it, those that no entry holds being left out."""
    definition, (_, sign, option) = load().resolve(name), name.partition(";")
    found = [a.name for a in load().subtypes(definition) if a.name.lower() in ATTRIBUTES] if definition else []
    return tuple(n + sign + option for n in found) or (name,)


# Tags that no attribute has: facts that only the JSON criteria ask for.
DEPARTMENT_TAG: Final = "g"  # code of the département
BOX_TAG: Final = "b"  # type of a listed mailbox that the person, or the structure, holds

# --- values made comparable -----------------------------------------------------------------------------------------


def prepare(attribute: Attribute, value: bytes) -> str | None:
    """A stored value, an assertion or a component of one, comparable by ``==`` and ``in``.

    None when the value is not of the attribute's syntax or has nothing to compare (``-`` as a name): the assertion is
    then Undefined (RFC 4511 4.5.1.7).
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex() if attribute.rule is MatchRule.OCTETS else None
    return PREPARE[attribute.rule](text) or None


def prepare_ordered(attribute: Attribute, value: bytes) -> str | None:
    """The same for ``<=``: addresses as they are written, and not as texts have them."""
    prepared = prepare(attribute, value)
    return marked(prepared) if prepared and attribute.rule is MatchRule.MAIL else prepared


def prepared_forms(attribute: Attribute, value: bytes) -> tuple[str, ...]:
    """``prepare`` of a value that an entry holds, and the other spellings that it matches by; none if it is not of the
    syntax."""
    own, spelt = prepare(attribute, value), SPELT.get(attribute.name)
    if own is None:
        return ()
    return (own, *spelt(value.decode())) if spelt else (own,)


# --- what the index looks up ----------------------------------------------------------------------------------------


def column(prepared: Iterable[str]) -> str:
    """The search text of these prepared values: ``^lyon$^rhone$``; repeated and empty ones once and not at all."""
    values = [v for v in dict.fromkeys(prepared) if v]
    return f"^{'$^'.join(values)}$" if values else ""


def address_column(addresses: Iterable[str]) -> str:
    """That of addresses."""
    return column([unmarked(a.casefold()) for a in addresses])


def worded(text: str) -> tuple[str, ...]:
    """``prepared_forms`` of the name of a structure."""
    return (fold(text), *other_wordings(text))


def names_column(names: Sequence[str]) -> str:
    """That of names, in their order, and behind them of their other spellings."""
    return column([*sorted(map(squash, names)), *(form for name in names for form in other_spellings(name))])


def tag(letter: str, prepared: str) -> str:
    """A token of lower-case letters and digits only, whatever the value: ``p10``; ``vx`` + hexadecimal for the rest."""
    plain = prepared.isascii() and prepared.isalnum() and prepared == prepared.lower() and prepared[0] != "x"
    return letter + (prepared if plain else "x" + prepared.encode().hex())


def token_text(tokens: Iterable[str]) -> str:
    """The ``tags`` of an entry."""
    return " ".join([t for t in tokens if t])


def index_tag(attribute: Attribute, value: bytes) -> str | None:
    """The token that every entry has of which a value matches by this spelling; None when the attribute, or this
    value, has no token."""
    prepared = prepare(attribute, value) if attribute.tag else None
    if prepared and attribute.name == "l":
        return town_tag(prepared)
    if prepared and attribute.segment is not None:
        parts = value.split(b":")
        named = PREPARE[_EXACT](parts[2].decode()) if len(parts) > 2 and parts[2].isalnum() else ""
        return tag(attribute.tag, named) if named else f"{attribute.tag}x{prepared.encode().hex()}"
    return tag(attribute.tag, prepared) if prepared else None


@cache
def label_tokens(name: str) -> Mapping[str, str]:
    """The labels, prepared, that an attribute of ``LABELS`` may hold, and the token of the code of each."""
    system, coded = LABELS[name]
    rule, attribute = PREPARE[_TEXT], ATTRIBUTES[coded.lower()]
    return {rule(label): index_tag(attribute, code.encode()) or "" for code, label in codes(system).items()}


def town_tag(town: str) -> str:
    """``index_tag`` of this ``l``."""
    return tag("l", town_key(town))


# Types of HcIdentifier (``issuer:type:value:status``) and the keys that they stand for; "h" for a value of no type.
HC_TYPES: Final = {
    "RPPS": "i8", "ADELI": "i0", "FINESS": "o1", "SIREN": "o2", "SIRET": "o3", "IDNPS": "i", "IDNST": "o",
}  # fmt: skip


def index_key(attribute: Attribute, value: bytes) -> str | None:
    """The key that every entry with this value has; None when the attribute, or this value, has no key."""
    if attribute.key == "*":
        parts = value.decode(errors="replace").split(":")
        letter = HC_TYPES.get(parts[1].strip().upper()) if len(parts) == 4 else None
        written = prepare(attribute, value)
        return id_key(letter, parts[2]) if letter else id_key("h", written) if written else None
    prepared = prepare(attribute, value) if attribute.key else None
    if prepared and attribute.operational:
        return _operational_key(attribute, prepared)
    if prepared and attribute.key in ("i8", "i0") and _is_national(attribute.key[1], prepared):
        return id_key("i", prepared)
    return id_key(attribute.key, marked(prepared)) if prepared else None


def _is_national(scheme: str, number: str) -> bool:
    """Whether it is the number of a person behind its type digit, as ``asNationalId`` has it."""
    held = number[1:].upper()
    return number.startswith(scheme) and (is_rpps(held) if scheme == "8" else is_adeli(held))


def _operational_key(attribute: Attribute, prepared: str) -> str | None:
    """What a name, or the UUID made of it, is found by: names below the branches are a ``uid`` each."""
    if attribute.rule is MatchRule.UUID:
        return attribute.key + prepared.replace("-", "")[:12]
    rdn = parse_dn(prepared)[0] if prepared else ()
    return id_key(attribute.key, rdn[0][1]) if len(rdn) == 1 and rdn[0][0] == "uid" else None


def uuid_key(dn: str) -> str:
    """``index_key`` of the ``entryUUID`` of the entry of this name."""
    return "e" + uuid_start(dn)


def id_key(letter: str, value: str) -> str:
    """``i`` or ``o`` + an identifier as it is usually written, ``m`` + an address, ``u`` + a uid, whatever the case
    and the spaces it comes with."""
    if value.isdigit():
        return letter + value
    compact = value.replace(" ", "")
    return letter + (compact.upper() if letter[0] in "io" and "@" not in compact else compact.casefold())
