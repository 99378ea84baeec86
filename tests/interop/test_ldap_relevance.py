"""Which hundred entries a mail client gets, and the sentences of its users (ldap-clients.md §2, last paragraph;
formats.md §8), over a real socket: an index of made-up people, many more than the limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import ldap
import pytest
from index_world import make_entry, write_index
from ldap.filter import escape_filter_chars
from ldap_support import BAL, served
from record_factories import SUFFIX

from directory_service.entries.entry import BAL as MAILBOXES
from directory_service.entries.entry import PEOPLE
from directory_service.entries.naming import pair_tokens
from directory_service.index.directory import Directory

FILLERS = 150  # of each kind: more than the limit of a hundred

# Who people look for: family name, given names.
WANTED: Mapping[str, tuple[str, str]] = {
    "benedicte": ("MARCHAL", "BÉNÉDICTE"),
    "st42": ("ST. 42", "ANNE"),
    "franz": ("FRANZ-WALLRAFF", "OTTO"),
    "aubigne": ("D'AUBIGNÉ", "AGRIPPA"),
    "hermite": ("L'HERMITE", "TRISTAN"),
    "latour": ("DE LA TOUR", "GEORGES"),
    "comma": ("VIRGULE, FILS", "PAUL"),
    "slash": ("BARRE/OBLIQUE", "PAUL"),
    "quote": ('O"NEIL', "PAT"),
    "jacques": ("MARTIN", "JACQUES"),
    "pierre": ("PETIT", "JEAN-PIERRE"),
}


def box(pk: int, family: str, given: str, mail: str, rank: int = 3, **more: Sequence[str]):  # type: ignore[no-untyped-def]
    cn = [f"{family} {given}", f"{given} {family}"]
    entry = make_entry(MAILBOXES, pk, rank=rank, cn=cn, sn=[family], givenName=[given], mail=[mail], uid=[f"b{pk}"],
                       displayName=[cn[1]], **more)  # fmt: skip
    return entry._replace(tags=f"{entry.tags} {pair_tokens(family, given)}".strip())


def crowd():  # type: ignore[no-untyped-def]
    """``dup`` in every place, the best ones last by rank: family names that start so, given names, words, anywhere."""
    for n in range(FILLERS):
        yield box(n + 1, f"AB{n}DUPRE", "ZOÉ", f"a{n}@x.fr", rank=0)  # inside a word
        yield box(n + 1001, "MOREL", "ZOÉ", f"dup{n}@x.fr", rank=0)  # in the address
    for n in range(30):
        yield box(n + 2001, f"MOREL DUP{n}", "ZOÉ", f"w{n}@x.fr", rank=1)
        yield box(n + 3001, "MOREL", f"DUPA{n}", f"g{n}@x.fr", rank=2)
        yield box(n + 4001, f"DUPONT{n}", "ZOÉ", f"f{n}@x.fr", rank=3)
        yield make_entry(PEOPLE, n + 1, rank=1, cn=[f"DUPOND{n} ZOÉ"], sn=[f"DUPOND{n}"], givenName=["ZOÉ"])
    for n in range(FILLERS):
        yield box(n + 5001, "MARTIN", f"LUC{n}", f"m{n}@x.fr", rank=0)
        yield box(n + 6001, f"JACQUES{n}", "JEAN", f"j{n}@x.fr", rank=0)
        yield box(n + 7001, f"MARCEAU{n}", "JACQUES", f"p{n}@x.fr", rank=0)  # three letters of each as Jacques Martin


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    people = [
        *crowd(),
        *(box(9000 + n, *name, f"{key}@x.fr") for n, (key, name) in enumerate(WANTED.items())),
        box(9100, "DUBOIS", "EVE", "eve1@x.fr", asNationalId=["810900000018"]),
        box(9101, "DUBOIS", "EVE", "eve2@x.fr", asNationalId=["810900000018"]),
    ]
    folder: Path = tmp_path_factory.mktemp("relevance")
    with closing(Directory(write_index(folder, people), SUFFIX)) as directory, served(directory) as number:
        yield number


def found(port: int, asked: str, base: str = BAL) -> tuple[list[str], bool]:
    """Addresses (names, for want of one), and whether there were more than the limit."""
    connection = ldap.initialize(f"ldap://127.0.0.1:{port}")
    entries: list[tuple[str, dict[str, list[bytes]]]] = []
    number = connection.search_ext(base, ldap.SCOPE_SUBTREE, asked, ["mail", "cn"], sizelimit=100)
    try:
        while (part := connection.result(number, all=0))[1]:
            entries += part[1]
    except ldap.SIZELIMIT_EXCEEDED:
        return [_shown(held) for _, held in entries], True
    finally:
        connection.unbind_s()
    return [_shown(held) for _, held in entries], False


def _shown(held: dict[str, list[bytes]]) -> str:
    return held.get("mail", held["cn"])[0].decode()


def thunderbird(typed: str) -> str:
    """As ``test_thunderbird`` saw it: words after the first are one component of ``cn``."""
    whole = escape_filter_chars(typed.lower())
    first, _, others = whole.partition(" ")
    starred = f"{first}*{others}" if others else first
    return f"(|(cn=*{starred}*)(mail=*{whole}*)(givenName=*{first}*)(sn=*{whole}*))"


def roundcube(typed: str) -> str:
    words = map(escape_filter_chars, typed.split())
    parts = "".join(f"(|(cn=*{w}*)(givenName=*{w}*)(sn=*{w}*)(mail=*{w}*))" for w in words)
    return f"(&(objectClass=inetOrgPerson){parts})"


def outlook(typed: str) -> str:
    word = escape_filter_chars(typed)
    return f"(&(mail=*)(|(mail={word}*)(|(cn={word}*)(|(sn={word}*)(givenName={word}*)))))"


def apple(typed: str) -> str:
    return "(|" + "".join(f"({n}={escape_filter_chars(typed)}*)" for n in ("givenname", "sn", "cn", "mail")) + ")"


def evolution(typed: str) -> str:
    word, words = escape_filter_chars(typed), "*".join(map(escape_filter_chars, typed.split()))
    return f"(|(displayName={word}*)(mail={word}*)(displayName=*{words}*)(mail=*{word}*)(|(cn={word}*)(sn={word}*)))"


def sogo(typed: str) -> str:
    names = ("sn", "displayname", "cn", "mail", "telephonenumber")
    return "(|" + "".join(f"({n}=*{escape_filter_chars(typed)}*)" for n in names) + ")"


CLIENTS = {f.__name__: f for f in (thunderbird, roundcube, outlook, apple, evolution, sogo)}
PLACES = {"f": "family", "g": "given", "w": "word", "d": "address", "a": "inside"}


def places(addresses: list[str]) -> list[str]:
    """What the filler entries are there for, each once, in the order met."""
    return list(dict.fromkeys(PLACES[a[0]] for a in addresses))


def test_the_right_hundred_family_names_then_given_names_then_words_then_anywhere(port: int) -> None:
    addresses, more = found(port, thunderbird("dup"))
    assert more and len(addresses) == 100
    assert places(addresses)[:3] == ["family", "given", "word"]
    assert sum(a[0] == "f" for a in addresses) == sum(a[0] == "g" for a in addresses) == 30
    assert sum(a[0] == "w" for a in addresses) == 30


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_gets_the_family_names_among_its_hundred(port: int, client: str) -> None:
    addresses, _ = found(port, CLIENTS[client]("dup"))
    assert {f"f{n}@x.fr" for n in range(30)} <= set(addresses)


def test_no_entries_without_an_address_eat_the_limit(port: int) -> None:
    """Asked of the whole tree, where persons without a mailbox are too."""
    addresses, more = found(port, thunderbird("dup"), SUFFIX)
    assert more and all("@" in a for a in addresses)
    assert "DUPOND1 ZOÉ" in found(port, "(sn=dupond*)", SUFFIX)[0]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("benedicte", "benedicte"),
        ("bénédicte", "benedicte"),
        ("BÉNÉDICTE", "benedicte"),
        ("St. 42", "st42"),
        ("st 42", "st42"),
        ("Franz-Wallraff", "franz"),
        ("franz wallraff", "franz"),
        ("franzwallraff", "franz"),
        ("d'Aubigné", "aubigne"),
        ("d’aubigne", "aubigne"),
        ("daubigne", "aubigne"),
        ("L'Hermite", "hermite"),
        ("lhermite", "hermite"),
        ("De La Tour", "latour"),
        ("delatour", "latour"),
        ("Virgule, fils", "comma"),
        ("Barre/Oblique", "slash"),
        ('O"Neil', "quote"),
        ("O(Neil", "quote"),
        ("jean pierre", "pierre"),
        ("jean-pierre", "pierre"),
    ],
)
def test_names_are_found_however_they_are_typed(port: int, client: str, typed: str, key: str) -> None:
    """formats.md §8: accents and the reverse, hyphen = space = nothing, apostrophes, signs that are no operators."""
    assert f"{key}@x.fr" in found(port, CLIENTS[client](typed))[0]


@pytest.mark.parametrize("typed", ["jacques martin", "martin jacques", "JACQUES MARTIN"])
@pytest.mark.parametrize("client", ["thunderbird", "roundcube", "outlook", "apple", "evolution"])
def test_word_order_does_not_matter(port: int, client: str, typed: str) -> None:
    assert "jacques@x.fr" in found(port, CLIENTS[client](typed))[0]


@pytest.mark.parametrize("client", ["roundcube", "outlook", "apple", "evolution"])
def test_jacques_martin_is_neither_every_jacques_nor_every_martin(port: int, client: str) -> None:
    assert found(port, CLIENTS[client]("jacques martin")) == (["jacques@x.fr"], False)


@pytest.mark.parametrize("typed", ["jacques martin", "martin jacques", "j martin", "jacq mart"])
def test_of_two_words_both_come_before_all_who_have_the_first(port: int, typed: str) -> None:
    """Thunderbird asks for the first word alone in given names too."""
    assert found(port, thunderbird(typed))[0][0] == "jacques@x.fr"


@pytest.mark.parametrize("typed", ["tour", "la tour"])
def test_a_word_inside_a_name_counts_as_a_beginning(port: int, typed: str) -> None:
    assert found(port, thunderbird(typed))[0][0] == "latour@x.fr"


def test_several_addresses_of_a_person_are_shown_apart(port: int) -> None:
    assert sorted(found(port, thunderbird("dubois"))[0]) == ["eve1@x.fr", "eve2@x.fr"]


@pytest.mark.parametrize(
    ("asked", "addresses"),
    [
        ("(mail=eve1@x.fr)", ["eve1@x.fr"]),
        ("(mail=EVE1@X.FR)", ["eve1@x.fr"]),
        ("(mail=évé1@x.fr)", []),  # accents are letters of an address
        ("(mail=eve-1@x.fr)", []),
        ("(asNationalId=810900000018)", ["eve1@x.fr", "eve2@x.fr"]),
        ("(asNationalId=81090000001)", []),
        ("(uid=b9100)", ["eve1@x.fr"]),
        ("(uid=b-9100)", []),
    ],
)
def test_exact_rules_stay_exact_for_mail_and_identifiers(port: int, asked: str, addresses: list[str]) -> None:
    assert found(port, asked) == (addresses, False)
