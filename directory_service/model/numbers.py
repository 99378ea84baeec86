"""Numbers as people read and write them.  PURE."""

from __future__ import annotations


def grouped(number: int) -> str:
    """By thousands, a space between, as in French: 1 234 567."""
    return f"{number:,}".replace(",", " ")


def dialled(phone: str) -> str:
    """What tells one telephone number of France from another: its last nine digits, ``+33 4 72…`` being ``04 72…``."""
    return "".join(c for c in phone if c.isdigit())[-9:]
