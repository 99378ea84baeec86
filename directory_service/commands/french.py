"""click's own messages in French, whatever the locale: what it says when it shows help or refuses a command line.

click marks its texts for ``gettext`` and looks the translator up as ``_`` in each module; the one put there reads the
table below.  A text that is not in the table stays in English.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.types

_MODULES: tuple[ModuleType, ...] = (
    click.core,
    click.decorators,
    click.exceptions,
    click.formatting,
    click.parser,
    click.types,
)

TEXTS = {
    # help
    "Usage:": "Usage :",
    "Options": "Options ",  # click adds the colon
    "Commands": "Commandes ",
    "Positional arguments": "Arguments",
    "Show this message and exit.": "Affiche cette aide.",
    "Show the version and exit.": "Affiche la version.",
    "default: {default}": "défaut : {default}",
    "required": "obligatoire",
    "env var: {var}": "variable : {var}",
    # refusals
    "Error: {message}": "annuaire : {message}",
    "Try '{command} {option}' for help.": "« {command} {option} » donne l'aide.",
    "Missing command.": "il manque une commande.",
    "Missing argument": "il manque l'argument",
    "Missing option": "il manque l'option",
    "Missing parameter": "il manque le paramètre",
    "No such option {name!r}.": "l'option {name} n'existe pas.",
    "No such command {name!r}.": "la commande {name} n'existe pas.",
    "Option {name!r} requires an argument.": "l'option {name} demande une valeur.",
    "Option {name!r} does not take a value.": "l'option {name} ne prend pas de valeur.",
    "Got unexpected extra argument ({args})": "argument de trop : {args}",
    "Got unexpected extra arguments ({args})": "arguments de trop : {args}",
    "Did you mean {possibility}?": "Vouliez-vous dire {possibility} ?",
    "(Did you mean one of: {possibilities}?)": "(Vouliez-vous dire {possibilities} ?)",
    "Invalid value: {message}": "valeur refusée : {message}",
    "Invalid value for {param_hint}: {message}": "valeur refusée pour {param_hint} : {message}",
    "{value!r} is not a valid {number_type}.": "un nombre est attendu.",
    "{value} is not in the range {range}.": "{value} ne convient pas ; nombre attendu : {range}.",
    "{value!r} is not one of {choices}.": "{value} ne convient pas ; valeurs possibles : {choices}.",
    "file": "le fichier",
    "directory": "le dossier",
    "path": "le chemin",
    "{name} {filename!r} does not exist.": "{filename} n'existe pas.",
    "{name} {filename!r} is a file.": "{filename} est un fichier.",
    "{name} {filename!r} is a directory.": "{filename} est un dossier.",
    "Could not open file {filename!r}: {message}": "impossible d'ouvrir {filename} : {message}",
}


# What stands for a value in the help, where the option does not say it better.
_KINDS: Final[dict[Any, str]] = {
    click.types.StringParamType: "texte",
    click.types.IntParamType: "nombre",
    click.types.IntRange: "nombre",
    click.types.FloatRange: "nombre",
}


def _translate(text: str) -> str:
    return TEXTS.get(text, text)


def _translate_number(one: str, several: str, number: int) -> str:
    return _translate(one if number < 2 else several)


def _range(self: Any) -> str:
    """What help and refusals say of the numbers that an option takes, none of which is open or without a least one."""
    return f"{self.min} ou plus" if self.max is None else f"de {self.min} à {self.max}"


def speak_french() -> None:
    """From now on, in this process."""
    for kind, shown in _KINDS.items():
        kind.name = shown
    click.types._NumberRangeBase._describe_range = _range  # type: ignore[method-assign]
    for module in _MODULES:
        for name, translator in (("_", _translate), ("ngettext", _translate_number)):
            if hasattr(module, name):
                setattr(module, name, translator)
