"""``operator``: the messaging operators of the trusted space, their domains and secrets.  Rules are in the registry."""

from __future__ import annotations

import click


@click.group()
def operator() -> None:
    """Opérateurs de confiance, leurs domaines et leurs secrets."""
