"""Rows of the ADELI-to-RPPS crosswalk ► pairs | rejections.  PURE."""

from __future__ import annotations

from directory_service.model.identifiers import adeli_key_ok, adeli_plausible, is_adeli, is_rpps
from importers.rows import Doubt, Line, Match, Problems


class LinkParser:
    """One line: (ADELI, RPPS).  Numbers may carry spaces, a type digit, or have lost their first zero."""

    def __init__(self, match: Match, problems: Problems) -> None:
        self.match = match
        self.problems = problems
        self.adeli, self.rpps = match.index("adeli"), match.index("rpps")

    def parse(self, line: Line) -> tuple[str, str] | None:
        written = line.values[self.adeli], line.values[self.rpps]
        adeli, rpps = written[0].replace(" ", "").upper(), written[1].replace(" ", "")
        if len(adeli) == 10 and adeli[0] == "0":
            adeli = adeli[1:]
        elif len(adeli) == 8:  # a spreadsheet eats a zero; more of them, or an empty cell, are no number
            adeli = "0" + adeli
        rpps = rpps[1:] if len(rpps) == 12 and rpps[0] == "8" else rpps
        by_adeli, by_rpps = Doubt("0" + adeli, other="8" + rpps), Doubt("8" + rpps, other="0" + adeli)
        if not is_adeli(adeli):
            return self._no(line, "adeli", "adeli_form", by_adeli)
        if not is_rpps(rpps):
            return self._no(line, "rpps", "rpps_key", by_rpps)
        if (adeli, rpps) != written:
            self._tell(line, "link_spelling", " / ".join(written))
        if not adeli_key_ok(adeli):
            self._tell(line, "adeli_key", adeli, by_adeli)
        elif not adeli_plausible(adeli):
            self._tell(line, "adeli_digits", adeli, by_adeli)
        return adeli, rpps

    def conflict(self, line: Line) -> None:
        """The registry says otherwise than this line."""
        self._tell(line, "link_conflict", " / ".join((line.values[self.adeli], line.values[self.rpps])))

    def _tell(self, line: Line, rule: str, value: str, doubt: tuple[str, ...] = ()) -> None:
        self.problems.warn(rule, line.number, self.match.caption("adeli"), value, doubt)

    def _no(self, line: Line, field: str, reason: str, doubt: Doubt) -> tuple[str, str] | None:
        """Rejects the row; None, so that the caller can return it."""
        self.problems.reject(line, self.match.caption(field), reason, doubt=doubt)
        return None
