"""What a directory calls people: ``Dr Zoé D'ESSAI, Cardiologue, LYON``.  PURE.

Only what is shown in one line is worked on here; every attribute and JSON field keeps the source's own words
(RG_EXP_031).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

SHORT_TITLES: Final = {"DR": "Dr", "PR": "Pr"}
_CIVILITIES: Final = {"M": "M.", "MME": "Mme", "MLLE": "Mme"}


@lru_cache(maxsize=200_000)
def capitalised(text: str) -> str:
    """Given names that the source shouts: ``JEAN-PIERRE`` is ``Jean-Pierre``; ``Jean-Pierre`` stays."""
    return text.title() if text.isupper() else text


def personal_title(title_code: str, civility_code: str) -> str:
    """``Dr``, ``Pr``, else ``Mme`` or ``M.``, else nothing."""
    return SHORT_TITLES.get(title_code) or _CIVILITIES.get(civility_code, "")


def person_label(title_code: str, given: str, family: str) -> str:
    """``Dr Zoé D'ESSAI``."""
    return " ".join(p for p in (SHORT_TITLES.get(title_code, ""), capitalised(given), family) if p)


def facts(*parts: str) -> str:
    """What tells one from another, the most telling first: ``Cardiologue, LYON``."""
    return ", ".join(dict.fromkeys(p for p in parts if p))
