"""The ``annuaire`` command: gathers the commands, and turns an error into a message and an exit code.

Exit codes are the errors' own (``errors.AnnuaireError.exit_code``, contract.md §1).  No work is done here.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from directory_service.commands import (
    auditing,
    certificates,
    clients,
    exporting,
    importing,
    keys,
    operators,
    reading,
    reviewing,
    serving,
    undoing,
    verifying,
)
from directory_service.commands.common import Commands, emit
from directory_service.commands.french import speak_french
from directory_service.errors import FULL, AnnuaireError, InvalidInput, RegistryUnavailable, damaged, denied

if TYPE_CHECKING:
    from directory_service.settings import Settings

_COMMANDS: tuple[click.Command, ...] = (
    importing.init,
    importing.sample,
    importing.import_files,
    importing.runs,
    undoing.rollback,
    reviewing.review,
    reviewing.quality,
    importing.index,
    serving.serve,
    reading.search,
    reading.show,
    reading.resolve,
    reading.mailbox,
    verifying.verify,
    exporting.export,
    operators.operator,
    clients.client,
    keys.keys,
    certificates.certificate,
    auditing.log,
    auditing.audit,
    serving.doctor,
)

_INTERRUPTED = 130  # as shells say it: 128 and the number of SIGINT


class _InOrder(Commands):
    """Lists the commands in the order of the work, which tells more than the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        """``annuaire export ldif | head`` is not a fault: click would make it one."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # else the interpreter would meet what stands in the way, at its very end
            return done
        except BrokenPipeError:
            _say_no_more()
            return 0


@click.group(
    cls=_InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    metavar="FICHIER",
    type=click.Path(path_type=Path),
    help="Fichier de réglages  [défaut : ./annuaire.toml]",
)
@click.option("--data", metavar="DOSSIER", help="Dossier de données  [ANNUAIRE_DATA, défaut : ./var]")
@click.option(
    "--database-url",
    metavar="URL",
    help="Registre  [ANNUAIRE_DATABASE_URL, défaut : SQLite dans le dossier de données]",
)
@click.option("--ldap-suffix", metavar="DN", help="Suffixe LDAP  [ANNUAIRE_LDAP_SUFFIX]")
@click.version_option(package_name="annuaire", help="Affiche la version.", message="%(prog)s %(version)s")
@click.pass_context
def annuaire(ctx: click.Context, /, config: Path | None, **chosen: str | None) -> None:
    """Annuaire des professionnels de santé et de leurs boîtes aux lettres sécurisées.

    Importe les extractions officielles, puis répond en LDAP et en JSON.
    """

    def load(**more: object) -> Settings:
        from directory_service.option import FILE, unknown_in
        from directory_service.settings import Settings, describe

        for name in unknown_in(os.environ, describe()):
            click.echo(f"attention, réglage inconnu : {name}", err=True)
        default = Path(FILE)
        toml = config or (default if default.exists() else None)
        return Settings.load(os.environ, toml, {**chosen, **more})

    ctx.obj = load


speak_french()
for _command in _COMMANDS:
    annuaire.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; its exit code."""
    try:
        _require_text(arguments)
        code = annuaire.main(list(arguments), prog_name="annuaire", standalone_mode=False)
    except click.ClickException as error:
        if "--json" in arguments:
            _tell("usage", error.format_message(), None, error.exit_code)
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        if "--json" in arguments:
            _tell("interrupted", "Interrompu.", None, _INTERRUPTED)
        click.echo("Interrompu.", err=True)
        return _INTERRUPTED
    except AnnuaireError as error:
        _report(error, machine="--json" in arguments)
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
            return _unsaid()
        refusal = denied(error) if isinstance(error, OSError) else damaged(error)
        if refusal and not os.environ.get("ANNUAIRE_DEBUG"):
            _report(refusal, machine="--json" in arguments)
            return refusal.exit_code
        return _fault(error, machine="--json" in arguments)
    return code if isinstance(code, int) else 0


def _unsaid() -> int:
    """The disk of standard output, or of the file that was asked for, takes no more."""
    _say_no_more()
    said = "impossible d'écrire la sortie : le disque est plein, ou abîmé. Ce que la commande a déjà fait est conservé"
    click.echo(f"annuaire : {said}.", err=True)
    return RegistryUnavailable.exit_code


def _say_no_more() -> None:
    """What is still held back for standard output goes nowhere."""
    with suppress(io.UnsupportedOperation):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _require_text(arguments: Sequence[str]) -> None:
    """Octets that are not UTF-8 may name a file, but no registry keeps them.  Raises InvalidInput."""
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument) and not Path(argument).exists():
            raise InvalidInput("un argument n'est pas en UTF-8", where=ascii(argument))


def _report(error: AnnuaireError, *, machine: bool) -> None:
    """On standard error in any case: the journal of a timer, and cron's mail, hold nothing else."""
    click.echo(f"annuaire : {error}", err=True)
    if machine:
        _tell(error.slug, error.message, error.where, error.exit_code)


def _tell(slug: str, message: str, where: str | None, code: int) -> None:
    """Why nothing came of a command, for programs: who may be gone, Ctrl-C being for them too, or on a full disk."""
    try:
        emit({"error": slug, "message": message, "where": where, "exit": code})
    except OSError:
        _say_no_more()


def _fault(error: Exception, *, machine: bool) -> int:
    """An internal fault: where it happened, but not the exception's text, which may hold a person's data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    message = f"erreur interne, {type(error).__name__} ({Path(last.filename).name}, ligne {last.lineno})"
    if machine:
        _tell("internal", message, None, 1)
    if os.environ.get("ANNUAIRE_DEBUG"):
        traceback.print_exception(error)
    else:
        click.echo(f"annuaire : {message}. ANNUAIRE_DEBUG=1 affiche la trace complète.", err=True)
    return 1


def _open_streams() -> None:
    """What the caller closed (``2>&-``) leads nowhere instead, so that no file of ours takes its number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, "r" if name == "stdin" else "w", encoding="utf-8"))


def _end_in_order() -> list[int]:
    """SIGTERM interrupts as Ctrl-C does, so that temporary files go and what is half written too.  Gives the list that
    will hold it once it came."""
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)
    return came


def main() -> None:
    """Entry point of the ``annuaire`` script."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that the terminal's alphabet lacks is no fault
            stream.reconfigure(errors="backslashreplace")
    terminated = _end_in_order()
    code = run(sys.argv[1:])
    if terminated and code == _INTERRUPTED:  # systemd and shells ask by what it ended
        with suppress(OSError):
            sys.stdout.flush()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    sys.exit(code)


if __name__ == "__main__":
    main()
