"""How good the matching of this version is, as measured before it was released.  PURE: reads what ships with the code.

``data/quality.json`` is written by ``python -m bench.quality``; docs/reference/quality.md says what each figure means.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def figures() -> dict[str, Any]:
    """``measured`` (date), ``command``, ``model`` (date of its weights), ``measures``: name, pairs, precision,
    recall, f1, false (merges), recall_with_review."""
    text = resources.files("directory_service.model").joinpath("data", "quality.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
