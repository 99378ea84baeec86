"""Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09) over a real socket: raw bytes, ldapsearch and python-ldap."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import ldap
import pytest
from ldap.controls.sss import SSSRequestControl
from ldap.controls.vlv import VLVRequestControl, VLVResponseControl
from ldap_support import (
    BAL,
    VLV,
    Client,
    Serving,
    bind,
    column,
    dns,
    listed,
    paged,
    search,
    sort_result,
    sorting,
    window,
)
from record_factories import SUFFIX

from directory_service.ldap.ber import integer, octets, sequence
from directory_service.ldap.messages import Control
from directory_service.model.names import squash

OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
EVERY = "(mail=*)"


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    with Client(serving.port) as connection:
        connection.ask(bind(OPERATOR, serving.secret))
        yield connection


@pytest.fixture
def whole(client: Client) -> list[str]:
    """The names of the list, in order."""
    return dns(client.ask(search(EVERY, 1, sorting("sn"))))


@pytest.mark.parametrize(
    ("before", "after", "offset", "count", "first", "last", "position"),
    [
        pytest.param(0, 19, 1, 0, 1, 20, 1, id="the first page, knowing nothing"),
        pytest.param(0, 19, 1, 5000, 1, 20, 1, id="offset 1 is the first, whatever the count"),
        pytest.param(19, 0, 9999, 9999, -19, 0, 0, id="offset = count is the last, whatever the count"),
        pytest.param(2, 3, 100, 0, 98, 103, 100, id="by the server's own count"),
        pytest.param(5, 2, 2, 0, 1, 4, 2, id="cut at the beginning"),
        pytest.param(0, 0, 7, 0, 7, 7, 7, id="the target alone"),
    ],
)
def test_a_window_by_offset(
    client: Client, whole: list[str], before: int, after: int, offset: int, count: int, first: int, last: int,
    position: int,
) -> None:  # fmt: skip
    """§5.  A last, first or position of 0 or less is counted from the end."""
    found = client.ask(search(EVERY, 2, sorting("sn"), window(before, after, offset, count)))
    size = len(whole)
    first, last, position = (n if n > 0 else n + size for n in (first, last, position))
    assert dns(found) == whole[first - 1 : last]
    assert found[-1].code == 0 and sort_result(found[-1])[0] == 0
    assert listed(found[-1])[:3] == (position, size, 0)


def test_offsets_are_ratios_of_the_counts_of_client_and_server(client: Client, whole: list[str]) -> None:
    """§5: Si = Sc * (Ci / Cc)."""
    size = len(whole)
    found = client.ask(search(EVERY, 2, sorting("sn"), window(0, 0, 340, 1000)))
    assert listed(found[-1])[0] == round(size * 340 / 1000)
    same = client.ask(search(EVERY, 3, sorting("sn"), window(0, 0, 34, size)))
    assert listed(same[-1])[0] == 34 and dns(same) == [whole[33]]


@pytest.mark.parametrize(("key", "typed"), [("sn", "le"), ("sn", "LÉ"), ("-sn", "le"), ("cn", "dubois p"), ("sn", "")])
def test_a_window_by_what_is_typed(client: Client, key: str, typed: str) -> None:
    """§6.1: the first not less than the value; not greater, when the order is reversed."""
    name, reverse = key.removeprefix("-"), key.startswith("-")
    every = client.ask(search(EVERY, 1, sorting(key), attributes=[name]))
    keys = [min(map(squash, values)) for values in column(every, name)]
    target = next(n for n, k in enumerate(keys, 1) if (k <= squash(typed) if reverse else k >= squash(typed)))
    found = client.ask(search(EVERY, 2, sorting(key), window(1, 2, value=typed), attributes=[name]))
    assert listed(found[-1])[:3] == (target, len(keys), 0)
    assert dns(found) == dns(every)[max(0, target - 2) : target + 2]


def test_nothing_is_after_the_last_value(client: Client, whole: list[str]) -> None:
    """§5: the target is then one past the end."""
    found = client.ask(search(EVERY, 2, sorting("sn"), window(1, 5, value="zzzz")))
    assert listed(found[-1])[:3] == (len(whole) + 1, len(whole), 0)
    assert dns(found) == whole[-1:]


def test_a_list_of_nothing(client: Client) -> None:
    for asked in (window(0, 9), window(0, 9, value="a")):
        [done] = client.ask(search("(cn=*nobody at all*)", 1, sorting("sn"), asked))
        assert done.code == 0 and listed(done)[1:3] == (0, 0)


@pytest.mark.parametrize(
    ("controls", "code"),
    [
        pytest.param([window(0, 9)], 60, id="without a sort"),
        pytest.param([window(0, 9, critical=False)], 60, id="without a sort, not critical"),
        pytest.param([sorting("nothing", critical=False), window(0, 9)], 18, id="a sort that cannot be"),
        pytest.param([sorting("sn"), window(0, 9, 0)], 61, id="offset 0"),
        pytest.param([sorting("sn"), window(0, 9, -3)], 61, id="offset -3"),
        pytest.param([sorting("sn"), window(0, 9, 12, 10)], 61, id="offset past the count"),
        pytest.param([sorting("sn"), window(0, 9, 100_000)], 61, id="offset past the end"),
        pytest.param([sorting("asSince"), window(0, 9, value="soon")], 18, id="a value that is no time"),
        pytest.param([sorting("sn"), window(0, 9, value=b"\xff")], 18, id="a value that is no text"),
        pytest.param([sorting("sn"), window(0, 9, context=b"made up")], 2, id="foreign context"),
    ],
)
def test_what_cannot_be_shown_is_76(client: Client, controls: list[Control], code: int) -> None:
    """§6.2.1: the control says why, and no entry is sent."""
    [done] = client.ask(search(EVERY, 1, *controls))
    assert done.code == 76
    assert listed(done)[2] == code
    assert client.ask(search("(mail=jean.dupont@medecin.mssante.fr)", 2))[-1].code == 0


def test_a_critical_sort_that_cannot_be_comes_before_the_view(client: Client) -> None:
    assert client.ask(search(EVERY, 1, sorting("nothing"), window(0, 9)))[-1].code == 12


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\x30\x00",
        sequence(integer(0), integer(0)),
        sequence(integer(0), integer(0), octets("x")),
        sequence(integer(-1), integer(0), octets("x", 0x81)),
        sequence(integer(0), integer(0), sequence(integer(1), tag=0xA0)),
        sequence(integer(0), integer(0), sequence(integer(1), integer(-1), tag=0xA0)),
        sequence(integer(0), integer(0), octets("x", 0x81), octets(""), b"\x05\x00"),
        sequence(integer(0), integer(0), octets("x", 0x81)) + b"\x00",
        sequence(b"\x02\x05\x00\x00\x00\x00\x01", integer(0), octets("x", 0x81)),
    ],
)
def test_a_malformed_view_control_is_2(client: Client, value: bytes | None) -> None:
    assert [r.code for r in client.ask(search(EVERY, 1, sorting("sn"), Control(VLV, True, value)))] == [2]
    assert client.ask(search("(mail=jean.dupont@medecin.mssante.fr)", 2))[-1].code == 0


def test_pages_and_a_view_do_not_go_together(client: Client) -> None:
    """Samba CVE-2020-10730."""
    for controls in ([paged(5), sorting("sn"), window(0, 9)], [window(0, 9), paged(5, critical=False), sorting("sn")]):
        assert [r.code for r in client.ask(search(EVERY, 1, *controls))] == [2]


def test_a_context_is_of_its_search_its_order_and_its_client(serving: Serving, client: Client) -> None:
    context = listed(client.ask(search(EVERY, 1, sorting("sn"), window(0, 4)))[-1])[3]
    assert context
    again = client.ask(search(EVERY, 2, sorting("sn"), window(0, 4, 6, context=context)))
    assert listed(again[-1])[::3] == (6, context)
    for other in (
        search("(mail=*@cabinet.mssante.fr)", 3, sorting("sn"), window(0, 4, context=context)),
        search(EVERY, 3, sorting("-sn"), window(0, 4, context=context)),
        search(EVERY, 3, sorting("sn"), window(0, 4, context=context), base=SUFFIX),
    ):
        assert client.ask(other)[-1].code == 76
    with Client(serving.port) as stranger:
        assert stranger.ask(search(EVERY, 1, sorting("sn"), window(0, 4, context=context)))[-1].code == 76


def test_a_stranger_sees_and_counts_no_more_than_a_hundred(serving: Serving) -> None:
    """ldap-clients.md §5: neither the window nor the length of the list tells what a plain search does not."""
    with Client(serving.port) as stranger:
        plain = dns(stranger.ask(search(EVERY, 1, sorting("sn"))))
        found = stranger.ask(search(EVERY, 2, sorting("sn"), window(9, 0, 9, 9)))
        assert listed(found[-1])[:3] == (100, 100, 0)
        assert dns(found) == plain[90:]
        assert listed(stranger.ask(search(EVERY, 3, sorting("sn"), window(0, 9, 101)))[-1])[2] == 61
        typed = stranger.ask(search(EVERY, 4, sorting("sn"), window(0, 9, value="z")))
        assert listed(typed[-1])[:3] == (101, 100, 0) and dns(typed) == []


def test_a_stranger_who_types_a_late_letter_sees_a_hundred_from_there_on(serving: Serving, client: Client) -> None:
    """Outlook's address book is browsed so.  The list is then that hundred, also for who scrolls on by offsets."""
    names = column(client.ask(search(EVERY, 1, sorting("sn"), attributes=["sn"])), "sn")
    late = next(n for n, held in enumerate(names) if n > 150 and squash(min(held)) != squash(min(names[n - 1])))
    typed = min(names[late])
    with Client(serving.port) as stranger:
        first = stranger.ask(search(EVERY, 2, sorting("sn"), window(9, 9, value=typed), attributes=["sn"]))
        position, length, code, context = listed(first[-1])
        assert (position, length, code, first[-1].code) == (1, min(100, len(names) - late), 0, 0)
        assert column(first, "sn") == names[late : late + 10]
        onward = stranger.ask(
            search(EVERY, 3, sorting("sn"), window(0, 4, 11, length, context=context), attributes=["sn"])
        )
        assert column(onward, "sn") == names[late + 10 : late + 15] and listed(onward[-1])[0] == 11
        assert listed(onward[-1])[3] == context
        back = stranger.ask(search(EVERY, 4, sorting("sn"), window(0, 0, value=""), attributes=["sn"]))
        assert column(back, "sn") == names[:1]
        for forged in (context[:12] + b"a", context[:-1], context + b"a"):
            asked = search(EVERY, 5, sorting("sn"), window(0, 0, context=forged))
            assert listed(stranger.ask(asked)[-1])[2] == 2


def test_a_window_larger_than_the_limit_is_cut_and_says_so(serving: Serving, client: Client) -> None:
    found = client.ask(search(EVERY, 1, sorting("sn"), window(0, 50), size=10))
    assert (len(dns(found)), found[-1].code) == (10, 4)
    huge = client.ask(search(EVERY, 2, sorting("sn"), window(2**31 - 1, 2**31 - 1, 5)))
    assert listed(huge[-1])[2] == 0 and huge[-1].code == 0


def test_views_of_the_root_dse_are_of_one_entry(client: Client) -> None:
    found = client.ask(search("(objectClass=*)", 1, sorting("cn"), window(0, 9), base="", scope=0))
    assert (len(dns(found)), listed(found[-1])[:3]) == (1, (1, 1, 0))


def test_python_ldap_browses(serving: Serving) -> None:
    connection = ldap.initialize(serving.url)
    connection.simple_bind_s(OPERATOR, serving.secret)
    for number in (1, 40):
        controls = [
            SSSRequestControl(criticality=True, ordering_rules=["sn"]),
            VLVRequestControl(criticality=True, before_count=0, after_count=9, offset=number, content_count=0),
        ]
        sent = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, EVERY, ["sn"], serverctrls=controls)
        _, entries, _, answered = connection.result3(sent)
        [view] = [c for c in answered if isinstance(c, VLVResponseControl)]
        assert (len(entries), view.target_position, view.result) == (10, number, 0)
    connection.unbind_s()


def test_ldapsearch_browses(serving: Serving, program: Callable[[str], str]) -> None:
    """It asks for window after window until it is told 76."""

    def run(*extensions: str) -> subprocess.CompletedProcess[str]:
        command = [program("ldapsearch"), "-x", "-H", serving.url, "-b", BAL, *extensions, EVERY, "sn"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    found = run("-E", "!sss=sn", "-E", "!vlv=0/24/1/0").stdout
    assert found.count("# numEntries: 25") == 4 and "pos=1 count=100" in found and "pos=25 count=100" in found
    assert run("-E", "!vlv=0/4/1/0").returncode != 0
