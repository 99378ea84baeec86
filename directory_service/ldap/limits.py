"""Every limit of the LDAP face, by name, with its reason.  PURE: values only; who enforces each is said beside it.

The figures are those of ldap-clients.md §4.  A limit met is an answer with a result code, or a Notice of
Disconnection, never a silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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
    filter_terms: int = 64  # Thunderbird's search window sends 12 a word
    substring_components: int = 16  # one a word typed; each is a scan of the value
    requested_attributes: int = 128  # Outlook asks for 20, Apple for 22
    controls: int = 10  # clients send 3 at most (389-ds CVE-2026-9064)


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """All settings of the LDAP face.  Durations are seconds."""

    suffix: str = "o=annuaire-sante,c=fr"
    limits: Limits = field(default_factory=Limits)
    allow_anonymous: bool = True  # off: binds still succeed, searches answer 50 (Thunderbird's bind loop)
    secrets_need_tls: SecretsNeedTls = SecretsNeedTls.REMOTE
    # --- answers (handler)
    entries_anonymous: int = 100  # what an autocompletion shows; more is harvesting
    entries_operator: int = 1000
    paged_total_anonymous: int = 100  # entries of one paged search, all pages together: pages are no way round
    paged_total_operator: int = 10_000
    search_time: float = 5.0  # past this nobody is waiting at the keyboard any more
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
    verifications: int = 32  # secrets waiting to be verified, 4 s of them; more are told busy
    certificate_check: float = 5.0  # between two looks at the TLS files: a renewal is taken within it
    unread_time: float = 30.0  # a client that does not read its answers goes
    output_buffer: int = 256 * 1024  # octets waiting for a slow reader before we stop working for it
    workers: int = 4  # threads for searches that are not one key look-up; SQLite frees the interpreter while it works
    shutdown_time: float = 5.0  # for the searches under way to end, when told to stop
