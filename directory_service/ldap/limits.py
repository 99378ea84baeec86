"""Every limit of the LDAP face, by name, with its reason.  PURE: values only; who enforces each is said beside it.

The figures are those of ldap-clients.md §4.  A limit met is an answer with a result code, or a Notice of
Disconnection, never a silence; and it is counted under its name of ``NAMES``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from directory_service.ldap.access import ACCESS, Access
from directory_service.model.networks import NO_NETWORK, Networks

# Values of the label ``limit`` of ``annuaire_ldap_limit_total``, with what a client is told.
NAMES: Final = {
    "pdu": "a message too long: Notice of Disconnection, 2",
    "filter_depth": "a filter nested too deep: 2",
    "filter_terms": "a filter of too many terms, or of too many AND, OR and NOT: 2",
    "substring_components": "an assertion of too many substrings: 2",
    "requested_attributes": "too many attributes asked for: 2",
    "controls": "too many controls: 2",
    "outstanding": "too many searches at once on one connection: 51",
    "entries": "as many entries as one search gives: 4, with the entries",
    "paged_total": "as many entries as one paged search gives in all: 4, with the entries",
    "search_time": "a search that took too long: 3, with what was found",
    "candidates": "a search that had too much to look at: 4, with what was found",
    "harvest": "too many different entries in a day: 11",
    "receive_time": "a message, a bind's too, not finished in time: Notice of Disconnection, 3",
    "handshake_time": "a TLS handshake or PROXY header not done in time: closed, since nothing can be said before it",
    "idle": "a silent connection: Notice of Disconnection, 3",
    "unread_time": "a client that does not read its answers: closed",
    "output_buffer": "answers that wait for a slow reader: no more of its requests are read",
    "connections": "too many connections: Notice of Disconnection, 51",
    "connections_per_address": "too many connections of one address: Notice of Disconnection, 51",
    "binds": "too many secrets tried on one connection: Notice of Disconnection, 51",
    "bind_delay": "a wrong secret after many others: answered late",
}


class SecretsNeedTls(StrEnum):
    """Whose secrets are refused (13) outside TLS."""

    ALWAYS = "always"
    REMOTE = "remote"  # other machines': nobody listens on loopback
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the codec accepts.  Enforced in ``session`` (sizes), ``messages`` and ``filters`` (counts)."""

    pdu_anonymous: int = 64 * 1024  # octets: no search of an address book passes 8 KiB; a stranger costs us no more
    pdu_bound: int = 256 * 1024  # octets: operators send longer OR filters
    filter_depth: int = 32  # clients nest 5 deep; the stack must not be theirs to fill (CVE-2020-12243)
    filter_terms: int = 64  # assertions, and as many AND, OR and NOT; Thunderbird's search window sends 12 a word
    substring_components: int = 16  # one a word typed; each is a scan of the value
    requested_attributes: int = 128  # Outlook asks for 20, Apple for 22
    controls: int = 10  # clients send 3 at most (389-ds CVE-2026-9064)


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """All settings of the LDAP face.  Durations are seconds."""

    suffix: str = "o=annuaire-sante,c=fr"
    limits: Limits = field(default_factory=Limits)
    allow_anonymous: bool = True  # off: binds still succeed, searches answer 50 (Thunderbird's bind loop)
    access: Access = ACCESS  # which attributes each view may read, filter on and order by
    secrets_need_tls: SecretsNeedTls = SecretsNeedTls.REMOTE
    # --- answers (handler)
    entries_anonymous: int = 100  # what an autocompletion shows; more is harvesting (``searching.most_entries``)
    entries_operator: int = 1000
    paged_total_anonymous: int = 100  # entries of one paged search, all pages together: pages are no way round
    paged_total_operator: int = 10_000
    search_time: float = 5.0  # past this nobody is waiting at the keyboard any more
    candidates: int = 50_000  # entries one search may look at, 0.2 s: ``serve`` tells ``index.directory``, which stops
    # --- harvesting (server.harvest): different entries in a day, key look-ups apart; 0: as many as one likes
    harvest_anonymous: int = 200_000  # of one address: a whole hospital types behind it
    harvest_operator: int = 400_000  # of one operator, whatever its addresses
    harvest_window: float = 86_400.0
    # --- connections (server)
    outstanding_anonymous: int = 16  # searches queued or running on one connection
    outstanding_operator: int = 100
    binds: int = 20  # password verifications on one connection: each costs 50 ms of processor on purpose
    bind_failures: int = 10  # wrong secrets in a row, by name and by address, before the next ones have to wait
    bind_pause: float = 2.0  # between attempts after that; who would wait more than 8 s is told busy
    connections: int = 10_000  # a worker's descriptors
    connections_per_address: int = 2_000  # a whole hospital sits behind one address
    idle_anonymous: float = 60.0  # Thunderbird leaks the connections of superseded queries
    idle_bound: float = 900.0
    receive_time: float = 10.0  # to finish a message once begun: slow writers (Slowloris) go
    handshake_time: float = 10.0  # of TLS, from the first octet or the reply to StartTLS (389-ds CVE-2019-3883)
    proxies: Networks = NO_NETWORK  # whose connections begin with a PROXY header, nobody else's (server.proxied)
    verifications: int = 32  # secrets waiting to be verified, 4 s of them; more are told busy
    certificate_check: float = 5.0  # between two looks at the TLS files: a renewal is taken within it
    unread_time: float = 30.0  # a client that does not read its answers goes
    output_buffer: int = 256 * 1024  # octets waiting for a slow reader before we stop working for it
    workers: int = 4  # threads for searches that are not one key look-up; SQLite frees the interpreter while it works
    shutdown_time: float = 5.0  # for the searches under way to end, when told to stop
