"""Every setting, its default and its reason: command line, then environment, then ``annuaire.toml``, then default.

A setting named ``ldap_port`` is ``ANNUAIRE_LDAP_PORT`` in the environment and ``ldap_port`` in the file.
This module reads the file it is given and nothing else: it opens no registry.  What faces listen on and bear is
declared in ``facesettings``.  ``docs/reference/settings.md`` is written from here (``make reference``) and held equal
by a test.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from directory_service.facesettings import FaceSettings
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.model.anomalies import Limits as AnomalyLimits
from directory_service.model.networks import asked_at
from directory_service.model.rhythms import DAILY, Rhythms
from directory_service.model.thresholds import Thresholds
from directory_service.option import TYPES, Setting, read_file
from directory_service.option import setting as _setting

_BREAKER = Thresholds()
_ANOMALY = AnomalyLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(FaceSettings):
    """All that an operator of the service may choose: of the faces, then of what comes in and of who is trusted."""

    smime_anchors: str = _setting(
        "",
        "PEM file, or folder of PEM files (`.pem`, `.crt`), of the authorities of mailbox certificates; those that did "
        "not sign themselves are intermediates. Empty: no certificate is published.",
    )
    smime_crl: str = _setting(
        "", "PEM file, or folder, of their revocation lists; with it, a certificate without a valid list is refused."
    )
    import_findings: int = _setting(
        200,
        "Lines that an import keeps of each rule of data quality and file (`annuaire runs rejects`); all are counted.",
    )
    import_wait: float = _setting(
        300.0,
        "Seconds that an import, a rollback or an answer of the staff waits for another one to end; a national day "
        "takes less.  Then it says who holds the registry, exit code 5.  0: at once.",
    )
    publication_wait: float = _setting(
        5.0,
        "Seconds that an operator's publication (a mailbox, a certificate) waits for whoever writes into the registry; "
        "an import holds it for minutes.  Then it is answered 503 with `Retry-After`.",
    )
    publication_replay: float = _setting(
        86_400.0,
        "Seconds that the answer to a publication with an `Idempotency-Key` is kept, to be given again: a night and a "
        "morning of retries.",
    )
    publication_lead: float = _setting(
        14.0,
        "Days that an operator's word is taken to be ahead of the extract; when they still differ then, the staff are "
        "asked.  The extract once stood still for 10 days.",
        most=3650,
    )

    breaker_removed: float = _setting(
        _BREAKER.removed,
        "Percent of the people, activities or mailboxes that one import may close before it stops: a month of the "
        "ordinary churn (0.09 % of the mailboxes a day in 2026). 100: no limit.",
        most=100,
    )
    breaker_changed: float = _setting(
        _BREAKER.changed,
        "The same for people, mailboxes, structures or links changed or merged: 0.5 % on an ordinary day, all of them "
        "when a column moves. 100: no limit.",
        most=100,
    )
    breaker_group_removed: float = _setting(
        _BREAKER.group_removed,
        "Percent of one domain, profession or department that one import may take away: half of it is a move, to be "
        "looked at. 100: no limit.",
        most=100,
    )
    breaker_moved: float = _setting(
        _BREAKER.moved,
        "Percent of the trusted domains, or of the mailboxes under them, that one white list may give to other "
        "operators. A thousand domains moved in one day of 2026: such days are to be looked at. 100: no limit.",
        most=100,
    )
    breaker_group_size: int = _setting(
        _BREAKER.group_size, "Records from which on a group is looked at; the median domain has 4 mailboxes."
    )
    breaker_floor: int = _setting(
        _BREAKER.floor, "Records: fewer never stop an import, since shares say little of small numbers."
    )
    breaker_rows_fell: float = _setting(
        _BREAKER.rows_fell,
        "Percent of its rows that a file must have lost for the import to stop, against the last file of its source if "
        "that one had 20 rows: a file cut at the end of a line looks whole. 100: no limit.",
        most=100,
    )
    breaker_rows_grew: float = _setting(
        _BREAKER.rows_grew,
        "Percent of rows that a file may have more than the last file of its source before the import stops, if that "
        "one had 20 rows: two days in one file, or test data, look whole too. 10000: no limit.",
        most=10_000,
    )
    withdrawn_share: float = _setting(
        _ANOMALY.share,
        "Percent of an operator's mailboxes closed within a day from which on `/v1/status` tells a mass withdrawal; an "
        "ordinary day closes 0.1 % of all.",
        most=100,
    )
    withdrawn_floor: int = _setting(
        _ANOMALY.floor, "Mailboxes: fewer closed are never a mass withdrawal, since shares say little of small numbers."
    )
    trust_anchors: str = _setting(
        "",
        "PEM file, or folder of PEM files (`.pem`, `.crt`), of the authorities whose signature makes a white list "
        "good: the chain of IGC-Santé for the official one. Empty: white lists are refused.",
    )
    trust_signer: str = _setting(
        "",
        "Name (DN) of the certificate that alone may sign a white list, as `CN=…,OU=…,O=…,C=FR`. Empty: any "
        "certificate that the anchors lead to, and IGC-Santé issues them to thousands of organizations.",
    )
    signing_certificate: str = _setting(
        "", "PEM file of the certificate, its chain after it, with which `annuaire export whitelist` signs."
    )
    signing_key: str = _setting("", "PEM file of its private RSA key, without passphrase; empty: in the same file.")
    source_rhythms: Rhythms = _setting(
        DAILY,
        "Hours after its last extract from which on a source is silent, `source=hours` by spaces: they come daily, at "
        "times late in the day. Sources left out have no rhythm.",
    )

    @classmethod
    def load(cls, env: Mapping[str, str], toml: Path | None, overrides: Mapping[str, object]) -> Self:
        """Overrides (those not None) win over ``env``, which wins over the file at ``toml`` (None: no file).
        Raises InvalidInput naming the setting, or the file, that does not read."""
        chosen: dict[str, Any] = read_file(toml, describe()) if toml else {}
        chosen |= {s.name: env[s.env] for s in describe() if s.env in env}
        chosen |= {name: value for name, value in overrides.items() if value is not None}
        return cls(**{s.name: s.parse(chosen[s.name]) for s in describe() if s.name in chosen})

    @property
    def registry_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute() / 'registry.sqlite'}"

    @property
    def ldap(self) -> LdapSettings:
        """What the LDAP face takes: its own values, with those chosen here."""
        return LdapSettings(**self._chosen(LdapSettings), limits=Limits(**self._chosen(Limits)))

    @property
    def thresholds(self) -> Thresholds:
        """From what impact on an import stops."""
        return Thresholds(**{f.name: getattr(self, "breaker_" + f.name) for f in fields(Thresholds)})

    @property
    def anomaly_limits(self) -> AnomalyLimits:
        return AnomalyLimits(self.withdrawn_share, self.withdrawn_floor)

    def _chosen(self, kind: type[LdapSettings] | type[Limits]) -> dict[str, Any]:
        ours = {s.name for s in describe()}
        return {f.name: getattr(self, "ldap_" + f.name) for f in fields(kind) if "ldap_" + f.name in ours}

    @property
    def keys_folder(self) -> Path:
        return Path(self.keys) if self.keys else self.data / "keys"

    @property
    def index_folder(self) -> Path:
        return self.data / "index"

    def authority(self, port: int) -> str:
        """Where this machine asks a face."""
        return authority(asked_at(self.host), port)

    @property
    def processes(self) -> int:
        return self.workers or os.cpu_count() or 1


def authority(host: str, port: int) -> str:
    """``host:port`` as URLs write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def describe() -> list[Setting]:
    """Every setting, in the order of the reference page."""
    return [Setting(f.name, TYPES[str(f.type)], f.default, **f.metadata) for f in fields(Settings)]
