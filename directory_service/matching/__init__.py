"""Who is meant by a line of somebody's list: a described person or structure, or one line of an address book.

``describe → candidates`` answers « who is this? » with a confidence and its reasons; ``check_line`` answers « is this
line of my address book still right? ».  The clean-up page, ``/v1/match`` and the Reconciliation API ask nothing else,
so that a hospital gets one answer by whichever door.  All of it is read from the index through ``Directory``, by the
public's eyes only: an unlisted mailbox is an address that nobody knows.  Nothing here knows a wire, or keeps anything.
"""

from directory_service.matching.addresses import AddressState
from directory_service.matching.candidates import Candidate, Matched, candidates
from directory_service.matching.columns import field_of, fields_of
from directory_service.matching.description import Description, Kind, describe
from directory_service.matching.judging import Outcome
from directory_service.matching.lines import LineResult, check_line, check_lines

__all__ = [
    "AddressState",
    "Candidate",
    "Description",
    "Kind",
    "LineResult",
    "Matched",
    "Outcome",
    "candidates",
    "check_line",
    "check_lines",
    "describe",
    "field_of",
    "fields_of",
]
