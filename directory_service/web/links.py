"""The address of this service as others know it, for answers that hold links to it."""

from __future__ import annotations

from flask import request

from directory_service.web.context import settings


def public_base() -> str:
    """``issuer`` where that is a URL, else what the caller asked, which says ``http`` behind a proxy that ends TLS.
    Without a slash at the end."""
    known = settings()
    issuer = known.issuer if known else ""
    return (issuer if issuer.startswith(("https://", "http://")) else request.host_url).rstrip("/")
