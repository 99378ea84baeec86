"""How often one may ask over HTTP, how many records one may have, and how that is told (draft-ietf-httpapi-ratelimit-
headers-10, RFC 9110 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
import web_world as world
from flask.testing import FlaskClient
from record_factories import SUFFIX
from registry_factories import key_of
from werkzeug.test import TestResponse

from directory_service.index.answers import Suggested
from directory_service.index.directory import SEARCH_TIME, Directory
from directory_service.index.follower import Follower
from directory_service.index.query import BRIEF, View
from directory_service.index.writer import build_index
from directory_service.ldap.server.harvest import harvest_of
from directory_service.model.networks import Networks
from directory_service.registry.clients import add_client, revoke_client
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.upgrading import upgrade
from directory_service.settings import Settings
from directory_service.web.app import create_app
from directory_service.web.inloop import Later
from directory_service.web.limiting import WINDOW
from directory_service.web.openapi.route import Rate

HERE, THERE, PROXY = "192.0.2.1", "198.51.100.7", "203.0.113.1"
SUGGEST = "/v1/suggest?q=dup"


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        upgrade(self.engine)
        self.secret = world.fill(self.engine)
        with writing(self.engine) as connection:
            add_client(connection, "logiciel", "editeur@exemple.fr", actor="test")
            add_client(connection, world.OPERATOR, actor="test")
            self.key, self.namesake = (key_of(connection, name) for name in ("logiciel", world.OPERATOR))
        build_index(self.engine, folder / "index", SUFFIX, workers=1)
        self.directory = Directory(folder / "index", SUFFIX)

    def client(self, **chosen: Any) -> FlaskClient:
        return create_app(self.directory, Settings(data=self.folder, **chosen)).test_client()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("limits"))
    yield found
    found.directory.close()
    found.engine.dispose()


def ask(client: FlaskClient, url: str, address: str = HERE, secret: str = "", **headers: str) -> TestResponse:
    given = {"Authorization": f"Bearer {secret}"} if secret else {}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(url, headers=given | told, environ_overrides={"REMOTE_ADDR": address})


def test_the_limit_is_told_and_then_kept(here: World) -> None:
    client = here.client(http_rate_suggest=3)
    for left in (2, 1, 0):
        answer = ask(client, SUGGEST)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"suggest";q=3;w=60'
        assert re.fullmatch(rf'"suggest";r={left};t=\d+', answer.headers["RateLimit"])
    refused = ask(client, SUGGEST)
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= WINDOW / 3
    assert refused.headers["RateLimit"].startswith('"suggest";r=0;')
    assert client.get("/problems/too-many-requests").status_code == 200


class _Big(Directory):
    """So big that whatever is new to it takes longer than the loop may wait."""

    def suggestions(self, text: str, limit: int, view: View, seconds: float = SEARCH_TIME) -> Suggested:
        found = super().suggestions(text, limit, view, seconds)
        return found._replace(timed_out=seconds == BRIEF)

    def suggested(self, text: str, limit: int, view: View) -> None:
        return None


def test_what_the_loop_leaves_to_a_thread_counts_once(here: World) -> None:
    with closing(_Big(here.folder / "index", SUFFIX)) as directory:
        client = create_app(directory, Settings(data=here.folder, http_rate_suggest=2)).test_client()
        for left in (1, 0):
            with pytest.raises(Later):
                client.get(SUGGEST, environ_overrides={"REMOTE_ADDR": HERE, "annuaire.inloop": True})
            answer = ask(client, SUGGEST)
            assert answer.status_code == 200 and answer.headers["RateLimit"].startswith(f'"suggest";r={left};')
        assert ask(client, SUGGEST).status_code == 429
        with pytest.raises(Later):  # the machine itself, of whom nothing was counted
            client.get(SUGGEST, environ_overrides={"annuaire.inloop": True})


def test_what_a_client_asks_before_it_asks_is_not_counted(here: World) -> None:
    client, address = here.client(http_rate_read=1), {"environ_overrides": {"REMOTE_ADDR": HERE}}
    book = "/carddav/livres/annuaire/"
    for method, status in (("OPTIONS", 204), ("OPTIONS", 204), ("PROPFIND", 207), ("PROPFIND", 429)):
        assert client.open(book, method=method, headers={"Depth": "0"}, **address).status_code == status


def test_what_was_not_changed_counts_too(here: World) -> None:
    client = here.client(http_rate_suggest=2)
    tag = ask(client, SUGGEST).headers["ETag"]
    again = ask(client, SUGGEST, If_None_Match=tag)
    assert again.status_code == 304 and again.headers["RateLimit"].startswith('"suggest";r=0;')


def test_each_address_kind_and_name_has_its_own(here: World) -> None:
    client = here.client(http_rate_suggest=1, http_rate_search=1, http_rate_factor=3)
    assert ask(client, SUGGEST).status_code == 200
    assert ask(client, SUGGEST).status_code == 429
    assert ask(client, SUGGEST, THERE).status_code == 200
    assert ask(client, "/v1/search?q=dupont").status_code == 200
    for secret in (here.secret, here.key):
        answers = [ask(client, SUGGEST, address, secret) for address in (HERE, THERE, HERE, THERE)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"suggest";q=3;w=60'


def test_an_operator_and_a_program_of_one_name_are_two(here: World) -> None:
    client = here.client(http_rate_suggest=1, http_rate_factor=1)
    for secret in (here.secret, here.namesake):
        assert [ask(client, SUGGEST, secret=secret).status_code for _ in range(2)] == [200, 429]


def test_an_ipv6_subscriber_is_one_whatever_its_hosts(here: World) -> None:
    client = here.client(http_rate_suggest=1)
    assert ask(client, SUGGEST, "2001:db8::1").status_code == 200
    assert ask(client, SUGGEST, "2001:db8::2").status_code == 429
    assert ask(client, SUGGEST, "2001:db8:0:1::1").status_code == 200


@pytest.mark.parametrize("url", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/.well-known/jwks.json"])
def test_operations_and_pages_are_not_counted(here: World, url: str) -> None:
    """Nor is it looked at who asks: a monitor may send any secret with everything."""
    client = here.client(http_rate_read=1)
    for secret in ("", "", "inconnu.secret"):
        answer = ask(client, url, secret=secret)
        assert answer.status_code == 200 and "RateLimit" not in answer.headers


def test_the_machine_itself_and_limits_of_zero_are_not_counted(here: World) -> None:
    client = here.client(http_rate_suggest=1)
    assert [ask(client, SUGGEST, "127.0.0.1").status_code for _ in range(3)] == [200] * 3
    named = here.client(http_rate_suggest=1, http_rate_factor=1)  # but a program that gives its name is
    assert [ask(named, SUGGEST, "127.0.0.1", here.key).status_code for _ in range(2)] == [200, 429]
    uncounted = ask(here.client(http_rate_suggest=0), SUGGEST)
    assert uncounted.status_code == 200 and "RateLimit" not in uncounted.headers


def test_who_types_all_day_never_meets_the_defaults(here: World) -> None:
    """Ten people behind one address, eight keystrokes a second each, for longer than the burst lasts."""
    limits = create_app(here.directory, Settings(data=here.folder)).extensions["annuaire"].limiter
    asking = limits.take(limits.policies(Rate.SUGGEST), "", HERE)
    assert asking.taken.left >= 10 * 8 * WINDOW and asking.policy.told == '"suggest";q=6000;w=60'


def test_behind_a_declared_proxy_the_client_is_who_the_proxy_says(here: World) -> None:
    client = here.client(http_rate_suggest=1, trusted_proxies=Networks.parse(PROXY))
    told = f"10.9.9.9, {HERE}"  # what a client writes itself stands first, and counts for nothing
    assert ask(client, SUGGEST, PROXY, X_Forwarded_For=told).status_code == 200
    assert ask(client, SUGGEST, PROXY, X_Forwarded_For=f"10.8.8.8, {HERE}").status_code == 429
    assert ask(client, SUGGEST, PROXY, X_Forwarded_For=THERE).status_code == 200
    assert ask(client, SUGGEST, "203.0.113.2", X_Forwarded_For="10.1.1.1").status_code == 200
    assert ask(client, SUGGEST, "203.0.113.2", X_Forwarded_For="10.1.1.2").status_code == 429


def test_processes_of_a_node_count_together(here: World, tmp_path: Path) -> None:
    one, other = (here.client(http_rate_suggest=4, run_folder=str(tmp_path)) for _ in range(2))
    assert [ask(c, SUGGEST).status_code for c in (one, other) * 3] == [200] * 4 + [429] * 2


# --- records ---------------------------------------------------------------------------------------------------------


def test_who_walks_the_directory_gets_single_records_only(here: World) -> None:
    client = here.client(ldap_harvest_anonymous=5)
    assert ask(client, "/v1/search?profession=10").status_code == 200
    for url in ("/v1/search?profession=10", "/v1/suggest?q=d", SUGGEST):
        refused = ask(client, url)
        assert (refused.status_code, refused.json["type"]) == (429, "/problems/budget-spent")
        assert 86_300 < int(refused.headers["Retry-After"]) <= 86_400
    assert ask(client, f"/v1/practitioners/{world.ZOE}").status_code == 200
    assert ask(client, "/v1/mailboxes/zoe.d-essai@medecin.mssante.fr").status_code == 200
    assert ask(client, SUGGEST, THERE).status_code == 200
    assert ask(client, SUGGEST, secret=here.key).status_code == 200


def test_the_machine_itself_has_no_budget_until_it_gives_a_name(here: World) -> None:
    client = here.client(ldap_harvest_anonymous=1, ldap_harvest_operator=1)
    asked = [ask(client, SUGGEST, "127.0.0.1", secret).status_code for secret in ("", "", here.key, here.key)]
    assert asked == [200, 200, 200, 429]


LINE = {"name": "essai zoe", "town": "lyon"}
PROPFIND, REPORT = {"method": "PROPFIND", "headers": {"Depth": "1"}}, {"method": "REPORT"}
FOUND = b"""<c:addressbook-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><c:address-data/>
</d:prop><c:filter><c:prop-filter name="FN"><c:text-match>essai</c:text-match></c:prop-filter></c:filter>
</c:addressbook-query>"""
# What tells of people by other means than their number or address: the budget is one, by whichever door.
DOORS = [
    pytest.param("/v1/match", {"method": "POST", "json": LINE}, id="match"),
    pytest.param("/v1/match/batch", {"method": "POST", "data": orjson.dumps(LINE)}, id="batch"),
    pytest.param("/v1/reconcile?query=essai+zoe", {}, id="reconcile"),
    pytest.param(
        "/v1/reconcile", {"method": "POST", "json": {"queries": {"q0": {"query": "essai zoe"}}}}, id="queries"
    ),
    pytest.param(
        "/v1/reconcile",
        {"method": "POST", "json": {"extend": {"ids": [f"practitioners/{world.ZOE}"], "properties": [{"id": "rpps"}]}}},
        id="extend",
    ),
    pytest.param("/v1/reconcile/suggest/entity?prefix=essai", {}, id="completion"),
    pytest.param("/carddav/livres/69-10/contacts/", PROPFIND, id="carddav"),
    pytest.param("/carddav/livres/annuaire/contacts/", REPORT | {"data": FOUND}, id="report"),
    pytest.param("/nettoyage", {"method": "POST", "data": {"texte": "Nom;Prénom\nEssai;Zoé"}}, id="cleaning"),
]


@pytest.mark.parametrize(("url", "sent"), DOORS)
def test_no_door_leads_round_the_budget(here: World, url: str, sent: dict[str, Any]) -> None:
    """What it tells is counted; once the budget is spent, by any door, it is shut."""
    client = here.client(ldap_harvest_anonymous=1)
    address = {"environ_overrides": {"REMOTE_ADDR": HERE}}
    assert client.open(url, **sent, **address, buffered=True).status_code in (200, 207)
    assert ask(client, SUGGEST).status_code == 429, "nothing was counted"
    refused = client.open(url, **sent, **address, buffered=True)
    assert refused.status_code == 429
    assert ask(client, f"/v1/practitioners/{world.ZOE}.vcf").status_code == 200


def test_a_batch_ends_where_the_budget_does(here: World) -> None:
    client = here.client(ldap_harvest_anonymous=1)
    lines = b"\n".join([orjson.dumps(LINE)] * 3)
    address = {"environ_overrides": {"REMOTE_ADDR": HERE}}
    answer = client.post("/v1/match/batch", data=lines, **address, buffered=True)
    said = [orjson.loads(line) for line in answer.data.splitlines()]
    assert [s.get("type", "") for s in said] == ["", "/problems/budget-spent", "/problems/budget-spent"]
    assert [s.get("where", "") for s in said] == ["", "ligne 2", "ligne 3"]


def test_records_seen_again_count_once_and_ldap_counts_in_the_same_file(here: World, tmp_path: Path) -> None:
    settings = Settings(data=here.folder, run_folder=str(tmp_path), ldap_harvest_anonymous=9)
    client = create_app(here.directory, settings).test_client()
    for n in range(20):
        assert ask(client, f"/v1/search?profession=10&limit={n + 5}").status_code == 200
    ldap = harvest_of(settings.ldap, tmp_path / "harvest")
    asking = ldap.client(HERE)
    assert ldap.counted(asking) == 5
    ldap.count(asking, range(10))
    assert ask(client, "/v1/search?profession=10").status_code == 429


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_raises_limits_and_gives_no_right(here: World) -> None:
    client = here.client()
    public, keyed = ask(client, SUGGEST), ask(client, SUGGEST, secret=here.key)
    assert keyed.json == public.json and keyed.headers["ETag"] == public.headers["ETag"]
    assert keyed.headers["Cache-Control"] == public.headers["Cache-Control"]
    for url in ("/v1/changes", "/v1/export/csv"):
        assert ask(client, url, secret=here.key).status_code == 401
    assert "contacts" not in ask(client, f"/v1/operators/{world.OPERATOR}", secret=here.key).json
    put = client.put("/v1/mailboxes/a@medecin.mssante.fr", json={}, headers={"Authorization": f"Bearer {here.key}"})
    assert put.status_code == 401


@pytest.mark.parametrize("secret", ["", "inconnu.secret", "key"])
def test_who_opens_the_address_book_is_nobody_whatever_its_client_sends(here: World, secret: str) -> None:
    sent = {"Authorization": f"Bearer {here.key if secret == 'key' else secret}"} if secret else {}
    address = {"environ_overrides": {"REMOTE_ADDR": HERE}}
    client = here.client(http_rate_read=2)
    answer = client.open("/carddav/livres/annuaire/", method="PROPFIND", headers={"Depth": "0"} | sent, **address)
    assert answer.status_code == 207 and answer.headers["RateLimit-Policy"] == '"read";q=2;w=60'


def test_a_revoked_key_opens_nothing_within_a_second(here: World) -> None:
    client = here.client()
    with writing(here.engine) as connection:
        key = add_client(connection, "bref", actor="test")
    follower = Follower(here.engine, here.folder / "index", SUFFIX)
    follower.catch_up()
    assert ask(client, SUGGEST, secret=key).status_code == 200
    with writing(here.engine) as connection:
        revoke_client(connection, "bref", actor="test")
    follower.catch_up()
    answer = ask(client, SUGGEST, secret=key)
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/bad-credentials")


# --- wrong secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [world.OPERATOR, "nobody", "client~logiciel"])
def test_wrong_secrets_are_slowed_down_whoever_they_name(here: World, name: str) -> None:
    client = here.client(ldap_bind_failures=3, ldap_bind_pause=60.0)
    told = [ask(client, SUGGEST, secret=f"{name}.{n}") for n in range(5)]
    assert [a.status_code for a in told] == [401, 401, 401, 429, 429]
    assert told[4].json["type"] == "/problems/too-many-attempts" and int(told[4].headers["Retry-After"]) == 60
    assert client.get("/problems/too-many-attempts").status_code == 200
    assert ask(client, SUGGEST, THERE, secret=here.secret if name != world.OPERATOR else here.key).status_code == 200


@pytest.mark.parametrize("url", ["/v1/suggest?q=a", "/v1/log/head", "/v1/nowhere", "/v1/verify/range/abc"])
def test_no_route_takes_a_wrong_secret(here: World, url: str) -> None:
    status = ask(here.client(), url, secret="essai.wrong").status_code
    assert status == (404 if url == "/v1/nowhere" else 401)
