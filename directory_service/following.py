"""What the follower's process does: it keeps the index up with the registry (``index.follower``), then the transparency
log (``registry.log``), and tells ``/metrics`` how far it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from prometheus_client import Gauge
from sqlalchemy import Engine

from directory_service.errors import AnnuaireError
from directory_service.index.follower import Follower, Stop
from directory_service.registry.engine import kept_open
from directory_service.registry.log import append_log
from directory_service.settings import Settings
from directory_service.trust.heads import signer


def follow(settings: Settings, stop: Stop) -> None:
    """Until ``stop`` is set."""
    with kept_open(settings.registry_url) as engine:
        follower = Follower(engine, settings.index_folder, settings.ldap_suffix, workers=settings.processes)
        told, kept = _lag_told(), logged(engine, settings)

        def tell(written: int, indexed: int) -> None:
            told(written, indexed)
            kept(written, indexed)

        follower.run(stop, tell, _warned())


def _warned() -> Callable[[str], None]:
    """Takes why nothing can be followed, "" once it can be again.  The lag stays what it was meanwhile: without a gauge
    of its own, a registry that is down would look like one where nothing changes."""
    up = Gauge("annuaire_follower_up", "1 while the registry can be followed.", multiprocess_mode="livemax")
    up.set(1)

    def warn(why: str) -> None:
        up.set(0 if why else 1)
        said = f"l'index n'avance plus : {why}" if why else "l'index avance de nouveau"
        print(f"annuaire follow : {said}", file=sys.stderr)

    return warn


def logged(engine: Engine, settings: Settings) -> Callable[[int, int], None]:
    """Keeps the transparency log, once what readers wait for is in the index.  What it fails to do, the next change or
    the next start does: readers never wait for it."""
    done = -1

    def tell(written: int, indexed: int) -> None:
        nonlocal done
        if written == done or indexed < written:
            return
        done = written
        try:
            append_log(engine, signer(settings.keys_folder, settings.registry_url))
        except AnnuaireError as error:
            print(f"annuaire follow : journal de transparence en retard : {error}", file=sys.stderr)

    return tell


def _lag_told() -> Callable[[int, int], None]:
    """Takes the last change of the journal and that of the index, for ``/metrics``."""
    journal = Gauge("annuaire_journal_sequence", "Last change in the registry's journal.", multiprocess_mode="livemax")
    lag = Gauge("annuaire_follower_lag_changes", "Changes not in the index yet.", multiprocess_mode="livemax")

    def tell(written: int, indexed: int) -> None:
        journal.set(written)
        lag.set(max(0, written - indexed))

    return tell
