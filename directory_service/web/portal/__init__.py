"""The portal: the directory as pages for people, in French.

Pages are templates filled from the same ``Directory`` as the API, for the anonymous view always: nobody signs in, no
cookie is set, nothing that is sent is kept.  Everything works without scripts but suggestions while typing and files
dropped on a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from directory_service.web.portal import (  # noqa: F401  (modules whose routes are the blueprint's)
    about,
    cleanup,
    records,
    searching,
    verifying,
)
from directory_service.web.portal.base import blueprint
from directory_service.web.portal.faults import show_faults

if TYPE_CHECKING:
    from flask import Flask


def attach(app: Flask) -> None:
    """Adds the pages to the application."""
    show_faults(app)
    app.register_blueprint(blueprint)
