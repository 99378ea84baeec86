"""The official ADELI-to-RPPS crosswalk (*Correspondance_ADELI_RPPS*).  PURE.

Not open data, so optional; seen in ISO-8859-1 and in UTF-8; n ADELI numbers for one RPPS, ADELI without type digit.
"""

from __future__ import annotations

from importers.rows import Layout, column

LINKS = Layout(
    id="links.adeli_rpps",
    title="correspondance ADELI-RPPS (Correspondance_ADELI_RPPS)",
    key=("adeli",),
    fields=(
        column("adeli", "N° ADELI", "Numéro ADELI", "ADELI", required=True),
        column("rpps", "N° RPPS", "Numéro RPPS", "RPPS", required=True),
    ),
    latin1=True,
)
