"""The semicolon monotable of 2016-2018 (*ExtractionMonoTable_CAT18*): a table alone, read as the RPPS is.  PURE.

Everything double-quoted, the MSSanté address in the last column; a copy without that column says nothing of mailboxes.
"""

from __future__ import annotations

from importers.rows import Layout, column
from importers.rpps.layout import EXPERTISE_FIELDS as EXPERTISE
from importers.rpps.layout import IDS, NAMES, PROFESSION, STRUCTURE, TITLES

CAT18 = Layout(
    id="cat18.activity",
    title="monotable CAT18 (ExtractionMonoTable_CAT18)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *TITLES,
        *NAMES,
        *PROFESSION,
        *EXPERTISE,
        *STRUCTURE,
        column(
            "address",
            "Adresse BAL MSSanté",
            "Adresse BAL MSS",
            "Adresse MSSanté",
            "Adresse BAL",
            "BAL MSSanté",
            "Adresse messagerie MSSanté",
        ),
    ),
)
