"""Numbers as people read them.  PURE."""

from __future__ import annotations


def grouped(number: int) -> str:
    """By thousands, a space between, as in French: 1 234 567."""
    return f"{number:,}".replace(",", " ")
