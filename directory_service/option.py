"""One setting: how it is declared, how it reads from the command line, the environment or ``annuaire.toml``, and what
it refuses.  Which settings there are is ``settings``'s affair."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from directory_service.errors import InvalidInput, why_unread
from directory_service.ldap.limits import SecretsNeedTls
from directory_service.model.networks import Networks
from directory_service.model.rhythms import Rhythms

PREFIX = "ANNUAIRE_"
FILE = "annuaire.toml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the reference page."""

    name: str
    type: type
    default: Any
    doc: str
    most: float
    among: tuple[str, ...]
    check: Callable[[Any], None] | None  # raises InvalidInput

    @property
    def env(self) -> str:
        return PREFIX + self.name.upper()

    def parse(self, value: object) -> Any:
        """Text of the command line or environment, or a TOML value, as this setting's type."""
        try:
            parsed = _READ[self.type](value)
        except (KeyError, TypeError, ValueError):
            raise self._refused(_FRENCH[self.type]) from None
        if isinstance(parsed, int | float) and not 0 <= parsed < float("inf"):
            raise self._refused("un nombre positif est attendu")
        if self.name.endswith("_port") and parsed > 65535:
            raise self._refused("un port va de 0 à 65535")
        if isinstance(parsed, int | float) and parsed > self.most:
            raise self._refused(f"au plus {self.most:g}")
        if self.among and parsed not in self.among:
            raise self._refused(f"un mot parmi {', '.join(self.among)} est attendu")
        self._check(parsed)
        return parsed

    def _check(self, parsed: Any) -> None:
        try:
            if self.check:
                self.check(parsed)
        except InvalidInput as error:
            raise self._refused(str(error)) from None

    def _refused(self, why: str) -> InvalidInput:
        return InvalidInput(f"{why} ({self.env} ou {self.name} dans {FILE})", where=f"réglage {self.name}")


def unknown_in(env: Mapping[str, str], settings: Iterable[Setting]) -> list[str]:
    """Variables named like settings that are none: misspelt, or somebody else's (Kubernetes makes some for a service of
    this name), so that they are told and not refused."""
    known = {setting.env for setting in settings} | {PREFIX + "DEBUG"}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def setting(default: Any, doc: str, **more: Any) -> Any:
    """A field of ``settings.Settings``; ``more``: ``most``, ``among`` and ``check`` of ``Setting``."""
    return field(default=default, metadata={"doc": doc, "most": float("inf"), "among": (), "check": None, **more})


def read_file(path: Path, known: Iterable[Setting]) -> dict[str, Any]:
    """What a file of settings chooses.  Raises InvalidInput for one that does not read, or names what is none."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"fichier de réglages illisible : {_why_no_toml(error)}", where=str(path)) from None
    known = list(known)
    unknown = sorted(found.keys() - {one.name for one in known})
    if unknown:
        told = f"réglage inconnu : {', '.join(unknown)}"
        near = get_close_matches(unknown[0], [one.name for one in known], n=1)
        raise InvalidInput(told + (f" ; peut-être {near[0]}" if near else ""), where=str(path))
    return found


def _why_no_toml(error: Exception) -> str:
    """Why a file of settings cannot be read: what the system refuses, or where it stops being TOML (Python says it in
    English)."""
    if isinstance(error, OSError):
        return why_unread(error)
    if isinstance(error, UnicodeDecodeError):
        return f"encodage UTF-8 attendu, octet {error.start} invalide"
    place = re.search(r"line (\d+), column (\d+)", str(error))
    where = f"ligne {place[1]}, colonne {place[2]}" if place else "fichier inachevé"
    return f"TOML attendu, {where} (un texte est entre guillemets ; un nombre a un point : 3.5)"


def _whole(value: Any) -> int:
    if isinstance(value, float | bool):
        raise TypeError
    return int(value)


_YES_NO = {"1": True, "true": True, "oui": True, "0": False, "false": False, "non": False}
_FRENCH: dict[type, str] = {
    SecretsNeedTls: "always, remote ou never est attendu",
    Rhythms: "source=heures est attendu, autant de fois que de sources, séparés par des espaces",
    Networks: "des adresses ou réseaux IP sont attendus, séparés par des espaces",
    int: "un nombre entier est attendu",
    float: "un nombre est attendu",
    str: "un texte est attendu",
    Path: "un chemin est attendu",
    bool: "true ou false est attendu",
}
TYPES: dict[str, type] = {t.__name__: t for t in (int, float, str, Path, bool, SecretsNeedTls, Rhythms, Networks)}
_READ: dict[type, Callable[[Any], Any]] = {
    int: _whole,
    float: float,
    str: str,
    Path: Path,
    SecretsNeedTls: SecretsNeedTls,
    Rhythms: lambda value: Rhythms.parse(str(value)),
    Networks: lambda value: Networks.parse(str(value)),
    bool: lambda value: _YES_NO[str(value).lower()],
}
