"""Which layout a header is, of those of ``importers.sources``.  Reads no file."""

from __future__ import annotations

from collections.abc import Sequence

from directory_service.errors import ImportRefused
from importers.report import PACKED
from importers.rows import Match, fold_caption
from importers.sources import sources

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
    return max((source.layout.match(captions) for source in sources()), key=lambda m: m.score)


def unknown_header(line: str) -> ImportRefused:
    """The refusal of a header that is none of ours: what was expected for the nearest layout, and what was seen."""
    _, captions = split_header(line)
    if any(c < " " and c not in "\t\r" for c in line):
        expected = "une extraction (.txt, .csv), ou un zip d'extractions, est attendue"
        return ImportRefused(f"ce n'est pas un texte : {expected} ; vu : {_list(captions[:3])}")
    layout = nearest(captions).layout
    wanted = [f.captions[0] for f in layout.fields if f.required]
    return ImportRefused(
        f"en-tête inconnu ; le format le plus proche est « {layout.title} », qui demande : {_list(wanted)} ; "
        f"vu : {_list(captions) or 'rien'}"
    )


def nothing_recognised(seen: Sequence[str], folders: Sequence[str]) -> ImportRefused:
    """The refusal of a zip or folder without an extract.  ``seen``: the names of its files, ``folders`` of those that
    are in it and were not looked into."""
    if any(name.startswith("xl/") for name in seen):
        return ImportRefused("classeur Excel, vu à la place d'une extraction : texte, ou zip de textes, attendu")
    if any(name.lower().endswith(".zip") and not name.startswith("._") for name in seen):  # those: a Mac's
        return ImportRefused("archive dans une archive : extrayez-la, et importez ce qu'elle contient")
    if any(name.lower().endswith(PACKED) for name in seen):
        return ImportRefused(f"fichiers compressés autrement qu'en zip : décompressez-les ; vu : {_list(seen)}")
    told = f"vu : {_list(seen)}" if seen else "aucun fichier .txt, .csv, .xml ni .zip"
    below = f" ; ses dossiers ne sont pas lus : donnez-les à part ({_list(folders)})" if folders else ""
    return ImportRefused(f"aucune extraction reconnue : {told}{below}")


def _repeated(captions: Sequence[str]) -> list[str]:
    folded = [fold_caption(c) for c in captions]
    return [c for i, c in enumerate(captions) if c.strip() and folded[i] in folded[:i]]


def _list(names: Sequence[str]) -> str:
    # What a terminal obeys is not shown: any file may be handed to us.
    shown = ["".join(c if c.isprintable() else "?" for c in n[:60]) for n in names[:12] if n]
    return ", ".join(shown) + (f"… ({len(names)} en tout)" if len(names) > 12 else "")
