"""Settings: where each comes from, and what is refused."""

from dataclasses import fields
from pathlib import Path

import pytest

from directory_service.entries.containers import container_entries
from directory_service.errors import InvalidInput
from directory_service.ldap.dn import CONTAINERS
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.option import PREFIX, unknown_in
from directory_service.settings import Settings, describe


def load(env: dict[str, str] | None = None, toml: Path | None = None, **overrides: object) -> Settings:
    return Settings.load(env or {}, toml, overrides)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "annuaire.toml"
    path.write_text('ldap_port = 1001\nhttp_port = 1002\nhost = "192.0.2.1"\ndata = "/srv/annuaire"\n')
    return path


def test_command_line_then_environment_then_file_then_default(toml: Path) -> None:
    settings = load({"ANNUAIRE_LDAP_PORT": "2001", "ANNUAIRE_HTTP_PORT": "2002"}, toml, http_port=3002, host=None)
    assert (settings.http_port, settings.ldap_port, settings.host) == (3002, 2001, "192.0.2.1")
    assert settings.data == Path("/srv/annuaire")
    assert settings.workers == 0


def test_listens_on_loopback_by_default() -> None:
    assert load().host == "127.0.0.1"


def test_the_registry_is_in_the_data_folder_unless_named(tmp_path: Path) -> None:
    assert load(data=tmp_path).registry_url == f"sqlite:///{tmp_path}/registry.sqlite"
    url = "postgresql+psycopg://localhost/annuaire"
    assert load({"ANNUAIRE_DATABASE_URL": url}, data=tmp_path).registry_url == url


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"ANNUAIRE_LDAP_PORT": "ldap"}, "entier"),
        ({"ANNUAIRE_LDAP_PORT": "70000"}, "65535"),
        ({"ANNUAIRE_WORKERS": "-1"}, "positif"),
        ({"ANNUAIRE_STOP_DEADLINE": "inf"}, "positif"),
        ({"ANNUAIRE_STOP_DEADLINE": "nan"}, "positif"),
        ({"ANNUAIRE_STOP_DEADLINE": "vite"}, "nombre"),
        ({"ANNUAIRE_LDAP_SECRETS_NEED_TLS": "parfois"}, "always, remote ou never"),
        ({"ANNUAIRE_LDAP_ALLOW_ANONYMOUS": "peut-être"}, "true ou false"),
        ({"ANNUAIRE_SOURCE_RHYTHMS": "rpps.activity"}, "source=heures"),
        ({"ANNUAIRE_SOURCE_RHYTHMS": "rpps.activity=0"}, "source=heures"),
        ({"ANNUAIRE_BREAKER_REMOVED": "101"}, "au plus 100"),
        ({"ANNUAIRE_TRUSTED_PROXIES": "192.0.2.1/24"}, "réseaux IP"),
    ],
)
def test_a_wrong_value_is_refused_by_name(env: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refusal:
        load(env)
    assert next(iter(env)) in str(refusal.value)


@pytest.mark.parametrize("suffix", ["", " ", "nonsense", "cn=x,c=fr", "o=,c=fr", "o=a+ou=b,c=fr", 'o="a", c=fr'])
def test_a_suffix_that_no_tree_stands_under_is_refused_by_name(suffix: str) -> None:
    with pytest.raises(InvalidInput, match="ANNUAIRE_LDAP_SUFFIX"):
        load({"ANNUAIRE_LDAP_SUFFIX": suffix})


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_suffix_may_be_named_by_any_container(kind: str) -> None:
    suffix = rf"{kind}=Santé\, essai, c=FR"
    assert load({"ANNUAIRE_LDAP_SUFFIX": suffix}).ldap_suffix == suffix
    assert container_entries(suffix)[0].dn == suffix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ldap_prot = 1389", "inconnu : ldap_prot ; peut-être ldap_port"),
        ("breaker_removed = 3,5", "ligne 1, colonne 20 .* un nombre a un point : 3.5"),
        ("ldap_port = 1.5", "entier"),
        ("ldap_port = true", "entier"),
        ("ldap_port =", "TOML attendu, fichier inachevé"),
        ("ldap_port = x", "TOML attendu, ligne 1, colonne"),
    ],
)
def test_a_wrong_file_is_refused(toml: Path, text: str, says: str) -> None:
    toml.write_text(text)
    with pytest.raises(InvalidInput, match=says):
        load(toml=toml)


def test_networks_are_written_as_they_are_read() -> None:
    """A worker is given the settings as text."""
    networks = load({"ANNUAIRE_TRUSTED_PROXIES": "192.0.2.1 2001:db8::/32"}).trusted_proxies
    assert str(networks) == "192.0.2.1/32 2001:db8::/32"
    assert "192.0.2.1" in networks and "2001:db8::5%eth0" in networks and "192.0.2.2" not in networks


def test_headers_over_ldap_are_expected_of_its_own_proxies() -> None:
    """One of HTTP may pass certificates on, which one that forwards TCP must not."""
    assert not load({"ANNUAIRE_TRUSTED_PROXIES": "192.0.2.1"}).ldap.proxies.held
    chosen = load({"ANNUAIRE_LDAP_PROXIES": "192.0.2.1"})
    assert "192.0.2.1" in chosen.ldap.proxies and not chosen.trusted_proxies.held


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="illisible : ce fichier n'existe pas"):
        load(toml=tmp_path / "nulle-part.toml")


def test_every_setting_says_what_it_means() -> None:
    assert all(s.doc.endswith(".") for s in describe())


def test_the_ldap_face_gets_what_was_chosen_and_its_own_values() -> None:
    env = {"ANNUAIRE_LDAP_SUFFIX": "o=essai", "ANNUAIRE_LDAP_ALLOW_ANONYMOUS": "false"}
    chosen = load(env, ldap_entries_anonymous="7").ldap
    assert chosen == LdapSettings(suffix="o=essai", allow_anonymous=False, entries_anonymous=7)
    assert load().ldap == LdapSettings()


def test_every_limit_of_the_ldap_face_can_be_chosen() -> None:
    """But for what is no limit: the suffix has another name, threads and the end are ours to see to."""
    ours = {s.name for s in describe()}
    limits = {f.name for kind in (LdapSettings, Limits) for f in fields(kind)}
    assert {name for name in limits if f"ldap_{name}" not in ours} == {"access", "limits", "workers", "shutdown_time"}
    env = {s.env: "7" for s in describe() if s.name.startswith("ldap_") and s.type in (int, float)}
    chosen = Settings.load(env, None, {}).ldap
    assert (chosen.limits.filter_terms, chosen.candidates, chosen.harvest_window) == (7, 7, 7.0)


def test_variables_that_are_no_settings_are_known() -> None:
    env = {"ANNUAIRE_PROCESSES": "2", "ANNUAIRE_WORKERS": "2", "ANNUAIRE_DEBUG": "1", "PATH": "/bin"}
    assert unknown_in(env, describe()) == ["ANNUAIRE_PROCESSES"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("LDAP_FILTER_DEPTH", "101"), ("LDAP_HARVEST_ANONYMOUS", "600001"), ("ACCESS_LOG_ADDRESS", "some")],
)
def test_a_value_that_would_do_harm_is_refused(name: str, value: str) -> None:
    """A stack has an end, and a bitmap a largest count."""
    with pytest.raises(InvalidInput, match=name.lower()):
        Settings.load({PREFIX + name: value}, None, {})
