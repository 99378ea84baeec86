"""What two addresses differ by, plainly: the twin of ``confusable.mistaken``, which does it for many at once."""

from __future__ import annotations

from directory_service.model.confusable import How, looks


def differ_by(one: str, other: str) -> How | None:
    """None: nobody takes one for the other, or they are one."""
    if one == other:
        return None
    local, _, domain = one.partition("@")
    local2, _, domain2 = other.partition("@")
    if domain != domain2:
        return How.DOMAIN if local == local2 else None
    if looks(local) == looks(local2):
        return How.CHARACTERS
    return How.LETTER if _one_edit(local, local2) else None


def _one_edit(one: str, other: str) -> bool:
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))
