"""Rows of the ADELI-to-RPPS crosswalk ► pairs | rejections.  PURE."""

from __future__ import annotations

from directory_service.model.identifiers import adeli_key_ok, is_adeli, is_rpps
from importers.rows import Line, Match, Problems


class LinkParser:
    """One line: (ADELI, RPPS).  Numbers may carry spaces, a type digit, or have lost their first zero."""

    def __init__(self, match: Match, problems: Problems) -> None:
        self.match = match
        self.problems = problems
        self.adeli, self.rpps = match.index("adeli"), match.index("rpps")

    def parse(self, line: Line) -> tuple[str, str] | None:
        adeli = line.values[self.adeli].replace(" ", "").upper()
        rpps = line.values[self.rpps].replace(" ", "")
        adeli = adeli[1:] if len(adeli) == 10 and adeli[0] == "0" else adeli.zfill(9)  # a spreadsheet eats zeros
        rpps = rpps[1:] if len(rpps) == 12 and rpps[0] == "8" else rpps
        if not is_adeli(adeli):
            return self._no(line, "adeli", "numéro ADELI faux (9 caractères)")
        if not is_rpps(rpps):
            return self._no(line, "rpps", "numéro RPPS faux (11 chiffres et clé)")
        if not adeli_key_ok(adeli):
            self.problems.warn("adeli_key")
        return adeli, rpps

    def _no(self, line: Line, field: str, message: str) -> tuple[str, str] | None:
        """Rejects the row; None, so that the caller can return it."""
        self.problems.reject(line, self.match.caption(field), "identifier", message)
        return None
