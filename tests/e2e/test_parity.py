"""Item 10 of the foundation: for a sample of people, LDAP, JSON and the exports say the same.

One table maps every attribute of an entry to the fields of the JSON that say it.  An attribute that is neither in the
table nor among the exceptions fails the test, so that whatever is added to one face is thought of for the others.
"""

from __future__ import annotations

import json
import random
import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ldap
import ldif
import pytest
from e2e.installation import Installation
from ldap.filter import filter_format

SUFFIX = "o=annuaire-sante,c=fr"
SAMPLE = 40  # records of each kind

Json = dict[str, Any]
Attributes = dict[str, list[bytes]]
Getter = Callable[[Json], list[str]]

# -- the table --------------------------------------------------------------------------------------------------------


def at(path: str) -> Getter:
    """The values at a dotted path, lists being gone through; what is unknown is left out."""

    def get(record: Json) -> list[str]:
        found: list[Any] = [record]
        for name in path.split("."):
            found = [v.get(name) for v in found if isinstance(v, dict)]
            found = [w for v in found for w in (v if isinstance(v, list) else [v])]
        return [str(v) for v in found if v not in (None, "")]

    return get


def flag(path: str) -> Getter:
    return lambda record: [v.upper() for v in at(path)(record)]


def instant(path: str) -> Getter:
    """``2026-11-24T03:45:00Z`` as generalizedTime."""
    return lambda record: [re.sub("[-:T]", "", v) for v in at(path)(record)]


def town(path: str) -> Getter:
    """The commune; where the source has none, what follows the number on the cedex line."""

    def get(record: Json) -> list[str]:
        found = []
        for place in [record[path]] if record[path] else []:
            head, _, tail = (place["cedex"] or "").partition(" ")
            found.append(place["city"] or (tail if head.isdigit() else place["cedex"]))
        return [v for v in found if v]

    return get


def digits(path: str) -> Getter:
    """Telephone numbers: people write them in many ways, and only digits count."""
    return lambda record: [national(v) for v in at(path)(record)]


def national(phone: str) -> str:
    kept = re.sub(r"[^0-9a-z+]", "", phone.lower())
    return re.sub(r"^(\+|00)330?", "0", kept)


@dataclass(frozen=True)
class Same:
    """``exact``: the two hold the same values.  Otherwise what JSON says is part of what LDAP says, for the reason
    given: LDAP puts into one entry what JSON spreads over several records."""

    get: Getter
    exact: bool = True
    as_text: Callable[[str], str] = str


def of_all(part: str) -> Getter:
    """What is said of the person, and of each of her activities."""
    return lambda person: [*at(part)(person), *at(f"activities.{part}")(person)]


PRACTITIONER = {
    "uid": Same(at("id")),
    "asNationalId": Same(at("id"), exact=False),  # and the former ones: asRpps and asAdeli tell them apart
    "asRpps": Same(at("rpps")),
    "asAdeli": Same(at("adeli")),
    "asStatus": Same(at("status")),
    "asSince": Same(instant("status_since")),
    "sn": Same(at("family_name")),
    "givenName": Same(at("given_names")),
    "asProfessionCode": Same(of_all("profession.code")),
    "title": Same(of_all("profession.label")),
    "asCategoryCode": Same(of_all("category.code")),
    "asCategory": Same(of_all("category.label")),
    "asSpecialtyCode": Same(at("specialties.code")),
    "asSpecialty": Same(at("specialties.label")),
    "asModeCode": Same(at("activities.mode.code")),
    "asMode": Same(at("activities.mode.label")),
    "asSectorCode": Same(at("activities.sector.code")),
    "asSector": Same(at("activities.sector.label")),
    "mail": Same(at("mailboxes.address")),
}
STRUCTURE = {
    "asStructureId": Same(lambda o: [*at("id")(o), *at("technical_id")(o)]),
    "asFiness": Same(at("finess")),
    "asSiret": Same(at("siret")),
    "street": Same(at("address.street")),
    "postalCode": Same(at("address.postcode")),
    "l": Same(town("address")),
    "st": Same(at("address.department.label")),
    "o": Same(lambda o: [*at("name")(o), *at("trade_name")(o)] or at("id")(o)),
    "telephoneNumber": Same(digits("phones"), as_text=national),
    "facsimileTelephoneNumber": Same(digits("fax"), as_text=national),
}
ORGANIZATION = STRUCTURE | {
    "uid": Same(at("id")),
    "asStatus": Same(at("status")),
    "asSectorCode": Same(at("sector.code")),
    "asSector": Same(at("sector.label")),
    "mail": Same(at("mailboxes.address")),
}
# A mailbox and one of its holders.
MAILBOX = {
    "mail": Same(at("address")),
    "asMailboxType": Same(at("type")),
    "asOperator": Same(at("operator")),
    "asPaperless": Same(flag("holder.paperless")),
    "asPreferred": Same(flag("holder.preferred")),
    "asSince": Same(instant("holder.since")),
    "asStatus": Same(at("holder.status")),
    # JSON tells the first service of a holder who has the box in several.
    "ou": Same(at("holder.service"), exact=False),
    "description": Same(at("holder.description"), exact=False),
    "uid": Same(lambda box: [box["holder"]["id"], f"{box['holder']['id']}:{box['address']}"]),
}
_PERSON_S_BOX = {
    "sn": Same(at("holder.family_name")),
    "givenName": Same(at("holder.given_names")),
    "asNationalId": Same(at("holder.ids")),
}

# Derived from the fields above for display, for standard clients, or for another standard's spelling.
DERIVED = {
    *("objectClass", "cn", "displayName", "personalTitle"),
    *("HcIdentifier", "HcProfession", "HcSpecialisation", "HcRegisteredName", "hpdProviderStatus"),
    "hpdMedicalRecordsDeliveryEmailAddress",
}


def differences(entry: Attributes, record: Json, table: dict[str, Same]) -> dict[str, tuple[set[str], set[str]]]:
    """attribute: what LDAP says, what JSON says."""
    found = {}
    for name, same in table.items():
        over_ldap = {same.as_text(v.decode()) for v in entry.get(name, [])}
        in_json = {clean(v) for v in same.get(record)}
        if not (over_ldap == in_json if same.exact else in_json <= over_ldap):
            found[name] = (over_ldap, in_json)
    return found


def unsaid(entry: Attributes, record: Json, table: dict[str, Same]) -> set[str]:
    """What LDAP tells and JSON is silent about."""
    return {name for name, same in table.items() if entry.get(name) and not same.get(record)}


def clean(text: str) -> str:
    """LDAP syntaxes forbid what a source may hold: outer and doubled spaces."""
    return " ".join(text.split())


# -- the three faces --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faces:
    here: Installation
    peer: Any

    def json(self, path: str) -> Json:
        with urllib.request.urlopen(self.here.http + path, timeout=30) as answer:
            return dict(json.load(answer))

    def ldap(self, branch: str, attribute: str, value: str) -> dict[str, Attributes]:
        text = filter_format(f"({attribute}=%s)", [value])
        return dict(self.peer.search_s(f"ou={branch},{SUFFIX}", ldap.SCOPE_ONELEVEL, text))

    def practitioner(self, key: str) -> Json:
        return self.json(f"/v1/practitioners/{quote(key)}")

    def organizations(self, person: Json) -> list[Json]:
        ids = dict.fromkeys(at("activities.structure.id")(person))
        return [self.json(f"/v1/organizations/{quote(i)}") for i in ids]


@pytest.fixture(scope="module")
def faces(served: Installation) -> Iterator[Faces]:
    peer = ldap.initialize(served.ldap)
    peer.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    yield Faces(served, peer)
    peer.unbind_s()


@pytest.fixture(scope="module")
def people(served: Installation, tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """The NDJSON export, shuffled: active or not, with mail or without."""
    out = tmp_path_factory.mktemp("export") / "people.ndjson"
    served.run("export", "ndjson", "--out", str(out))
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    random.Random(7).shuffle(found)
    return found


@pytest.fixture(scope="module")
def records(served: Installation, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Attributes]]:
    """The LDIF export, in its order."""
    out = tmp_path_factory.mktemp("export") / "all.ldif"
    served.run("export", "ldif", "--out", str(out))
    with out.open("rb") as stream:
        parser = ldif.LDIFRecordList(stream)
        parser.parse()
    return list(parser.all_records)


@pytest.fixture(scope="module")
def exported(records: list[tuple[str, Attributes]]) -> dict[str, Attributes]:
    return dict(records)


def below(exported: dict[str, Attributes], branch: str) -> list[tuple[str, Attributes]]:
    found = [(dn, entry) for dn, entry in exported.items() if dn.endswith(f",ou={branch},{SUFFIX}")]
    assert found
    random.Random(7).shuffle(found)
    return found[:SAMPLE]


# -- what they say ----------------------------------------------------------------------------------------------------


def test_the_ndjson_export_is_what_the_route_answers(faces: Faces, people: list[Json]) -> None:
    assert len(people) > SAMPLE
    for person in people[:SAMPLE]:
        answer = faces.practitioner(person["id"])
        answer.pop("build")
        assert answer == person


def test_a_name_stands_for_one_entry(records: list[tuple[str, Attributes]]) -> None:
    """RFC 4512 2.3; and no server loads an LDIF file where it does not."""
    names = Counter(dn for dn, _ in records)
    assert [dn for dn, n in names.items() if n > 1] == []


@pytest.mark.parametrize("branch", ["personnes", "structures", "bal"])
def test_the_ldif_export_is_what_ldap_answers(faces: Faces, exported: dict[str, Attributes], branch: str) -> None:
    for dn, entry in below(exported, branch):
        ((found, attributes),) = faces.peer.search_s(dn, ldap.SCOPE_BASE)
        assert found == dn
        assert {n: sorted(v) for n, v in attributes.items()} == {n: sorted(v) for n, v in entry.items()}


def test_a_practitioner_is_the_same_over_ldap_and_json(faces: Faces, people: list[Json]) -> None:
    table = PRACTITIONER | {name: each_place(same) for name, same in STRUCTURE.items()}
    for person in people[:SAMPLE]:
        (entry,) = faces.ldap("personnes", "uid", person["id"]).values()
        assert differences(entry, {**person, "places": faces.organizations(person)}, table) == {}
        assert entry.keys() <= table.keys() | DERIVED


def each_place(same: Same) -> Same:
    """An entry holds the places of all of a person's activities together."""
    return Same(lambda person: [v for o in person["places"] for v in same.get(o)], same.exact, same.as_text)


def test_an_organization_is_the_same_over_ldap_and_json(faces: Faces, exported: dict[str, Attributes]) -> None:
    for _, entry in below(exported, "structures"):
        key = entry["uid"][0].decode()
        assert differences(entry, faces.json(f"/v1/organizations/{quote(key)}"), ORGANIZATION) == {}
        assert entry.keys() <= ORGANIZATION.keys() | DERIVED


def test_a_mailbox_is_the_same_over_ldap_and_json(faces: Faces, exported: dict[str, Attributes]) -> None:
    for dn, entry in below(exported, "bal"):
        address = entry["mail"][0].decode()
        box = faces.json(f"/v1/mailboxes/{quote(address)}")
        (holder,) = [h for h in box["holders"] if f"{h['id']}:{address}".encode() in entry["uid"]]
        table = MAILBOX | (_PERSON_S_BOX if holder["kind"] == "person" else {})
        assert differences(entry, {**box, "holder": holder}, table) == {}
        assert unsaid(entry, {**box, "holder": holder}, table) == set()
        assert dn in faces.ldap("bal", "mail", address)


def test_a_suggestion_is_the_entry_that_ldap_finds_first(faces: Faces, people: list[Json]) -> None:
    for name in sorted({p["family_name"] for p in people[:SAMPLE] if p["mailboxes"]}):
        items = faces.json(f"/v1/suggest?limit=20&q={quote(name)}")["items"]
        words = [filter_format("(|(cn=*%s*)(mail=*%s*)(givenName=*%s*)(sn=*%s*))", [w] * 4) for w in name.split()]
        found = faces.peer.search_s(f"ou=bal,{SUFFIX}", ldap.SCOPE_ONELEVEL, f"(&{''.join(words)})")
        assert [i["address"] for i in items] == [e["mail"][0].decode() for _, e in found][:20]
        by_address = {e["mail"][0].decode(): e for _, e in found}
        assert all(by_address[i["address"]]["asMailboxType"] == [i["type"].encode()] for i in items)


def test_every_number_ever_held_finds_the_same_person(faces: Faces, people: list[Json]) -> None:
    for person in [p for p in people if p["adeli"]][:SAMPLE]:
        for adeli in person["adeli"]:
            assert faces.practitioner(adeli)["id"] == person["id"]
            ((dn, _),) = faces.ldap("personnes", "asAdeli", adeli).items()
            assert dn == f"uid={person['id']},ou=personnes,{SUFFIX}"


def test_a_number_that_is_being_typed_finds_the_same_people(faces: Faces, people: list[Json]) -> None:
    for person in people[:SAMPLE]:
        typed = (person["rpps"] or person["adeli"][0])[:7]
        over_json = {p["id"] for p in faces.json(f"/v1/search?limit=100&q={typed}")["items"]}
        text = filter_format("(|(asRpps=%s*)(asAdeli=%s*)(asNationalId=%s*))", [typed] * 3)
        over_ldap = faces.peer.search_s(f"ou=personnes,{SUFFIX}", ldap.SCOPE_ONELEVEL, text, ["uid"])
        assert person["id"] in over_json == {e["uid"][0].decode() for _, e in over_ldap}


def test_search_finds_whom_ldap_finds(faces: Faces, people: list[Json]) -> None:
    for person in people[:SAMPLE]:
        query = f"family={quote(person['family_name'])}&given={quote(person['given_names'])}&limit=100"
        over_json = {p["id"] for p in faces.json(f"/v1/search?{query}")["items"]}
        assert person["id"] in over_json
        text = filter_format("(&(sn=%s)(givenName=%s))", [person["family_name"], person["given_names"]])
        over_ldap = faces.peer.search_s(f"ou=personnes,{SUFFIX}", ldap.SCOPE_ONELEVEL, text, ["uid"])
        assert {e["uid"][0].decode() for _, e in over_ldap} <= over_json


def test_what_is_hidden_is_hidden_everywhere(faces: Faces) -> None:
    assert faces.ldap("bal", "mail", "absente@medecin.mssante.fr") == {}
    with pytest.raises(urllib.error.HTTPError) as refused:
        faces.json("/v1/mailboxes/absente@medecin.mssante.fr")
    assert refused.value.code == 404
    refused.value.close()


def test_every_answer_is_of_one_build(faces: Faces, people: list[Json]) -> None:
    key = quote(people[0]["id"])
    paths = ("/readyz", "/v1/status", "/v1/suggest?q=a", "/v1/search?q=a", f"/v1/practitioners/{key}")
    builds = {faces.json(path)["build"] for path in paths}
    assert len(builds) == 1
    made = json.loads(faces.here.run("export", "ndjson", "--out", "parity.ndjson", "--json").stdout)
    assert {made["build"]} == builds
    assert Path(faces.here.folder, "parity.ndjson").exists()
