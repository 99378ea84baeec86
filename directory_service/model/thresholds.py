"""From which impact on an import stops before it commits, unless somebody accepts it by name.  PURE.

Shares are in percent of what stood when the last import ended.  Where the defaults come from: in 75 days of 2026 the
mailbox extract lost 36,119 of its 535,000 addresses, 0.09 % a day, and 0.5 % of the rows change between two mornings;
482 of 5,018 domains went in those days, and a thousand changed hands in a single one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What one import may do.  A share of 100 is never passed: no limit."""

    removed: float = 3.0  # of people, activities or mailboxes that close: a month of the ordinary churn
    changed: float = 20.0  # of people, mailboxes, structures or links changed: a column that moved changes all
    group_removed: float = 50.0  # of one domain, profession or department; of the domains of one operator
    moved: float = 5.0  # of the trusted domains, or of the mailboxes under them, that go to other operators
    group_size: int = 100  # smaller groups are not looked at: the median domain has 4 mailboxes
    floor: int = 10  # records; fewer never stop an import: shares say little of small numbers
    rows_fell: float = 10.0  # of a file against the last one of its source, from ``ROWS`` rows on
    rows_grew: float = 50.0  # the same; 500,000 nurses joined the million and more of RPPS in 2021, once


NO_LIMIT = 10_000  # percent: of rows that come
ROWS = 20  # rows of a file from which on a share of them says something
