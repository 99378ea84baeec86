"""The table of layouts that we know, and which of them a header is.  PURE: to add a source, add its layout here."""

from __future__ import annotations

from collections.abc import Sequence

from directory_service.errors import ImportRefused
from importers.links.layout import LINKS
from importers.mssante.layout import MAILBOXES
from importers.rows import Layout, Match, fold_caption
from importers.rpps.layout import ACTIVITY, CAT18, DIPLOMA, EXPERTISE

# In the order of import: links first, so that a person is created once, under both numbers; mailboxes when their
# holders are there; last the monotable of 2016-2018, which only fills what the others leave empty.
LAYOUTS: tuple[Layout, ...] = (LINKS, ACTIVITY, EXPERTISE, DIPLOMA, MAILBOXES, CAT18)
_SEPARATORS = "|;,\t"
_RELATED = 0.5  # from this share of common captions on, a header is a damaged one of ours, not another kind of file


def split_header(line: str) -> tuple[str, list[str]]:
    """The separator of a header line (the commonest of ``| ; , tab``) and its captions."""
    separator = max(_SEPARATORS, key=line.count)
    return separator, [caption.strip().strip('"') for caption in line.split(separator)]


def find_layout(line: str) -> Match | None:
    """The layout of a header line; None for another kind of file.  Raises ImportRefused for a damaged header."""
    separator, captions = split_header(line)
    best = nearest(captions)
    if best.score < _RELATED:
        return None
    if separator not in "|;":
        raise ImportRefused(f"{best.layout.title} : séparateur « | » ou « ; » attendu, vu « {separator} »")
    if best.missing:
        raise ImportRefused(
            f"{best.layout.title} : colonne obligatoire absente : {_list(best.missing)} ; vu : {_list(captions)}"
        )
    twice = _repeated(captions)
    if twice:
        raise ImportRefused(f"{best.layout.title} : en-tête présent deux fois : {_list(twice)}")
    return best


def nearest(captions: Sequence[str]) -> Match:
    return max((layout.match(captions) for layout in LAYOUTS), key=lambda m: m.score)


def unknown_header(line: str) -> ImportRefused:
    """The refusal of a header that is none of ours: what was expected for the nearest layout, and what was seen."""
    _, captions = split_header(line)
    layout = nearest(captions).layout
    wanted = [f.captions[0] for f in layout.fields if f.required]
    return ImportRefused(
        f"en-tête inconnu ; le format le plus proche est « {layout.title} », qui demande : {_list(wanted)} ; "
        f"vu : {_list(captions) or 'rien'}"
    )


def _repeated(captions: Sequence[str]) -> list[str]:
    folded = [fold_caption(c) for c in captions]
    return [c for i, c in enumerate(captions) if c.strip() and folded[i] in folded[:i]]


def _list(names: Sequence[str]) -> str:
    shown = [n[:60] for n in names[:12] if n]
    return ", ".join(shown) + (f"… ({len(names)} en tout)" if len(names) > 12 else "")
