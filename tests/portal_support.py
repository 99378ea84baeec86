"""What tests of the portal share: how a browser asks, and what a reader sees."""

from __future__ import annotations

import re
from typing import Final

from werkzeug.test import TestResponse

HTML: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ZOE_BOX: Final = "zoe.d-essai@medecin.mssante.fr"


def text(answer: TestResponse) -> str:
    """What a reader sees: without tags, on one line."""
    body = re.sub(
        r"<(?:script|style|svg).*?</(?:script|style|svg)>|<[^>]+>",
        " ",
        answer.text.replace("<wbr>", ""),
        flags=re.DOTALL,
    )
    return re.sub(r"\s+", " ", body.replace("&#39;", "'").replace("\N{NARROW NO-BREAK SPACE}", " ")).strip()
