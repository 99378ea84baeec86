"""Settings of this node and of its faces: what it writes where, who may ask, how much and how often.

``settings`` adds those of what comes in, and reads them all: it is there that others find them.  A base class for the
length of the file only: a setting reads the same whichever of the two declares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from directory_service.ldap.dn import check_suffix
from directory_service.ldap.limits import LdapSettings, SecretsNeedTls
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.networks import NO_NETWORK, Networks
from directory_service.option import setting as _setting

_LDAP = LdapSettings()
_CODEC = _LDAP.limits


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """Limits name their reason (ldap-clients.md §4)."""

    data: Path = _setting(Path("var"), "Folder of everything this node writes: embedded registry, index.")
    database_url: str = _setting(
        "", "Registry: `sqlite:///…` or `postgresql+psycopg://…`; empty means `registry.sqlite` in the data folder."
    )
    keys: str = _setting(
        "", "Folder of the keys that sign receipts, one for all nodes; empty means `keys` in the data folder."
    )
    issuer: str = _setting("annuaire", "Who receipts say they come from (`iss`): the public URL of the service, say.")
    patient_domain: str = _setting(
        PATIENT_DOMAIN,
        "Domain whose addresses are patients', judged by form and key alone; imports and operators bring none of them "
        "into the directory. Empty: none.",
    )
    ldap_suffix: str = _setting(_LDAP.suffix, "Distinguished name under which LDAP entries stand.", check=check_suffix)
    host: str = _setting("127.0.0.1", "Address the faces listen on; loopback unless you choose otherwise.")
    ldap_port: int = _setting(1389, "TCP port of the LDAP face; above 1024, so that no privilege is needed.")
    ldaps_port: int = _setting(1636, "TCP port of LDAP over TLS; open only where `ldap_tls_certificate` is set.")
    http_port: int = _setting(8080, "TCP port of the HTTP face.")
    https_port: int = _setting(
        0, "TCP port of HTTP over TLS, where operators may show their certificate. 0: not open; a proxy may do it."
    )
    workers: int = _setting(0, "Worker processes of each face; 0 means one per core.")
    threads: int = _setting(8, "Threads of each HTTP worker.")
    stop_deadline: float = _setting(10.0, "Seconds that workers have to finish what they are doing on SIGTERM.")
    ldap_allow_anonymous: bool = _setting(
        _LDAP.allow_anonymous, "Whether unnamed LDAP clients get answers; when not, their binds still succeed."
    )
    ldap_tls_certificate: str = _setting(
        "", "PEM file of the server's certificate and its chain; empty: no TLS.  Read again when it changes."
    )
    ldap_tls_key: str = _setting("", "PEM file of its private key, without passphrase; empty: in the same file.")
    ldap_tls_client_ca: str = _setting(
        "", "PEM file of the authorities whose client certificates are accepted; empty: none is asked for."
    )
    ldap_tls_crl: str = _setting(
        "", "PEM file of their revocation lists, all of them; with it, a certificate without a valid list is refused."
    )
    http_request_time: float = _setting(
        30.0,
        "Seconds in which an HTTP request must have come whole, its body too, once a thread may read it if it is long; "
        "an answer has as many, and one more for 16 KiB. Whoever is slower is cut off: a thread waits for each.",
    )
    http_connections: int = _setting(
        1000, "Open HTTP connections per worker; of more, one that has long said nothing is closed."
    )
    http_rate_suggest: int = _setting(
        6_000,
        "Requests a minute that one address (IPv6: /64) may make of `/v1/suggest`: ten people who type without a "
        "pause, a hospital that does now and then. 0: no limit.",
    )
    http_rate_search: int = _setting(1_200, "Requests a minute from one address to `/v1/search`.")
    http_rate_read: int = _setting(1_200, "Requests a minute from one address to single records and other routes.")
    http_rate_verify: int = _setting(
        1_200, "Requests a minute from one address to `/v1/verify`, `/v1/match`, `/v1/reconcile`; ten lines are one."
    )
    http_rate_batch: int = _setting(
        30, "Batches (ten thousand lines each at most) and listed CardDAV books, a minute, from one address."
    )
    http_rate_write: int = _setting(600, "Single writes of operators, a minute; times `http_rate_factor`.")
    http_rate_export: int = _setting(60, "Requests for `/v1/changes` and exports, a minute; times `http_rate_factor`.")
    http_rate_factor: int = _setting(
        10, "How many times more an operator or a program with a key may ask, whatever its addresses.", most=1_000_000
    )
    cors_origins: str = _setting(
        "",
        "Sites whose pages may read what is public, by spaces (`https://exemple.fr`), or `*` for all; never with "
        "credentials. Empty: none.",
    )
    http_tls_certificate: str = _setting(
        "", "PEM file of the HTTPS port's certificate and chain; empty: HTTPS uses the `ldap_tls_*` files instead."
    )
    http_tls_key: str = _setting("", "PEM file of the HTTPS port's private key; empty: in the same file.")
    http_tls_client_ca: str = _setting("", "PEM file of the authorities of HTTPS clients; empty: none is asked for.")
    http_tls_crl: str = _setting(
        "",
        "PEM file of their revocation lists, also for certificates that `trusted_proxies` pass on; empty: LDAP's, "
        "unless HTTPS has a certificate of its own.",
    )
    portal: bool = _setting(True, "Whether the HTTP face has pages for people; when not, it is the API alone.")
    service_name: str = _setting("Annuaire santé", "What the pages call the service.")
    service_contact: str = _setting(
        "", "Whom their help and accessibility pages say to write to: an address, a telephone number. Empty: nobody."
    )
    trusted_proxies: Networks = _setting(
        NO_NETWORK,
        "Addresses or networks, by spaces, of proxies that verify client certificates themselves and pass them on in "
        "`Client-Cert` (RFC 9440), and of whom `X-Forwarded-For` is believed. From others the first is refused, the "
        "second ignored. Empty: nobody.",
    )
    ldap_proxies: Networks = _setting(
        NO_NETWORK,
        "Addresses or networks, by spaces, of balancers whose LDAP connections begin with a PROXY protocol header "
        "(version 1 or 2), before TLS too, that says whose they are; without one they are closed. From others none is "
        "taken. Empty: nobody.",
    )
    ldap_handshake_time: float = _setting(
        _LDAP.handshake_time, "Seconds a client may take for a TLS handshake, a proxy for its PROXY header."
    )
    ldap_secrets_need_tls: SecretsNeedTls = _setting(
        _LDAP.secrets_need_tls, "Whose secrets are refused outside TLS: `always`, `remote` (other machines) or `never`."
    )
    ldap_entries_anonymous: int = _setting(
        _LDAP.entries_anonymous,
        "Entries one search gives an anonymous client: a screenful, not a harvest.  By whole addresses, all their "
        "holders are given.",
    )
    ldap_entries_operator: int = _setting(_LDAP.entries_operator, "Entries one search gives a bound operator.")
    ldap_paged_total_anonymous: int = _setting(
        _LDAP.paged_total_anonymous, "Entries of all pages of an anonymous client's search: pages are no way round."
    )
    ldap_paged_total_operator: int = _setting(_LDAP.paged_total_operator, "Entries of all pages, for an operator.")
    ldap_search_time: float = _setting(_LDAP.search_time, "Seconds of one search; nobody waits longer at a keyboard.")
    ldap_candidates: int = _setting(
        _LDAP.candidates,
        "Entries one search may look at, about 0.2 s, and a fifteenth where its filter has nothing to look up; past it "
        "a better filter is due.",
    )
    ldap_harvest_anonymous: int = _setting(
        _LDAP.harvest_anonymous,
        "Different entries that one address (IPv6: /64) gets in a day, over LDAP and HTTP together, exact look-ups "
        "apart; a hospital types behind it. 0: no limit.",
        most=600_000,
    )
    ldap_harvest_operator: int = _setting(
        _LDAP.harvest_operator,
        "Different entries a day for one operator, or a program with a key, whatever its addresses. 0: no limit.",
        most=600_000,
    )
    ldap_harvest_window: float = _setting(
        _LDAP.harvest_window, "Seconds of that day, from the first entry given; then the count starts again."
    )
    ldap_pdu_anonymous: int = _setting(
        _CODEC.pdu_anonymous, "Octets of one message of an anonymous client; no address book passes 8 KiB."
    )
    ldap_pdu_bound: int = _setting(_CODEC.pdu_bound, "Octets of one message of a bound client: longer filters.")
    ldap_filter_depth: int = _setting(
        _CODEC.filter_depth, "Levels of a filter; clients nest 5, and each takes some of the stack.", most=100
    )
    ldap_filter_terms: int = _setting(
        _CODEC.filter_terms,
        "Terms of a filter, and as many AND, OR and NOT; Thunderbird's search window sends 12 terms for each word.",
    )
    ldap_substring_components: int = _setting(
        _CODEC.substring_components, "Components of a substring assertion: one for each word typed."
    )
    ldap_requested_attributes: int = _setting(
        _CODEC.requested_attributes, "Attributes that a search may ask for by name; Apple asks for 22."
    )
    ldap_controls: int = _setting(_CODEC.controls, "Controls of one request; clients send 3 at most.")
    ldap_outstanding_anonymous: int = _setting(
        _LDAP.outstanding_anonymous, "Searches of one anonymous connection queued or under way; more are told busy."
    )
    ldap_outstanding_operator: int = _setting(_LDAP.outstanding_operator, "Searches of an operator's connection.")
    ldap_bind_failures: int = _setting(
        _LDAP.bind_failures, "Wrong secrets in a row, of one name or from one address, before the next ones wait."
    )
    ldap_bind_pause: float = _setting(_LDAP.bind_pause, "Seconds between attempts after that.")
    ldap_verifications: int = _setting(
        _LDAP.verifications, "Secrets of one worker waiting to be verified; more are told busy."
    )
    ldap_certificate_check: float = _setting(
        _LDAP.certificate_check, "Seconds between two looks at the TLS files: a renewed certificate is taken within it."
    )
    ldap_binds: int = _setting(_LDAP.binds, "Secrets verified on one connection: each takes 50 ms on purpose.")
    ldap_connections: int = _setting(_LDAP.connections, "LDAP connections of one worker; more are refused at once.")
    ldap_connections_per_address: int = _setting(
        _LDAP.connections_per_address, "Connections of a worker from one address; a hospital may be behind one."
    )
    ldap_idle_anonymous: float = _setting(
        _LDAP.idle_anonymous, "Seconds an anonymous LDAP connection may stay silent; Thunderbird leaks some."
    )
    ldap_idle_bound: float = _setting(_LDAP.idle_bound, "Seconds a bound LDAP connection may stay silent.")
    ldap_receive_time: float = _setting(
        _LDAP.receive_time, "Seconds to finish a message once begun; slow writers (Slowloris) go."
    )
    ldap_unread_time: float = _setting(_LDAP.unread_time, "Seconds without reading after which a client is cut off.")
    ldap_output_buffer: int = _setting(
        _LDAP.output_buffer, "Octets that may wait for a slow reader before we stop working for it."
    )
    policy_port: int = _setting(0, "TCP port of the policy service that Postfix asks at SMTP time. 0: not open.")
    policy_host: str = _setting(
        "127.0.0.1", "Address it listens on; it knows no authentication, so that other machines need a reason."
    )
    policy_operator: str = _setting(
        "", "Name of the operator whose Postfix asks; its domains are answered for in full."
    )
    policy_unavailable: str = _setting(
        "pass",
        "What becomes of mail while there is no index: `pass`, or `defer` to try later.",
        among=("pass", "defer"),
    )
    policy_age: float = _setting(
        0.0, "Seconds since the newest data past which nothing is refused by it: mail waits instead. 0: however old."
    )
    run_folder: str = _setting(
        "",
        "Folder that the processes of a node share while they run: metrics, harvesting counts. Empty: a temporary "
        "one; give one to keep the counts across restarts.",
    )
    ready_age: float = _setting(
        0.0, "Seconds since the newest data of the index past which `/readyz` answers 503. 0: however old it is."
    )
    access_log: str = _setting(
        "", "File of the access log, one JSON object a line; `-` for standard error; empty for none."
    )
    access_log_address: str = _setting(
        "network", "Client addresses in it: `full`, `network` (/24 or /48), `none`.", among=("full", "network", "none")
    )
