"""``export``: the current build, whole, as any anonymous reader may see it.  Unlisted mailboxes are therefore left out.

Everything is read through ``Directory``, like the faces, so that an export cannot say something else than they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from directory_service.commands.common import (
    as_json,
    directory,
    emit,
    in_utf8,
    lines,
    progress,
    with_settings,
    written_to,
)

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Hit
    from directory_service.settings import Settings

_PAGE = 2000  # entries read at a time: memory stays flat at any size
_WITHIN = {"ldif": "entrées", "ndjson": "professionnels", "csv": "boîtes aux lettres", "mssante": "boîtes aux lettres"}
_HEADED = ("csv", "mssante")  # their first line names the columns


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(["ldif", "ndjson", "csv", "mssante", "whitelist"]))
@click.option(
    "--out",
    metavar="FICHIER",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Fichier  [défaut : la sortie standard]",
)
@click.option("--sign", is_flag=True, help="Écrit aussi FICHIER.jws : la description signée du fichier.")
@click.option("--publish", is_flag=True, help="Met l'export signé à la disposition des opérateurs, en HTTP.")
@as_json
@with_settings
def export(settings: Settings, form: str, out: Path | None, sign: bool, publish: bool, machine: bool) -> None:
    """Écrit tout l'annuaire public, dans le format choisi.

    ldif : les entrées LDAP ; ndjson : un professionnel par ligne ; csv : un carnet
    d'adresses ; mssante : le format de l'extraction nationale ; whitelist : la liste
    blanche des domaines de confiance, que nous signons (signing_certificate).
    """
    if form == "whitelist":
        if sign or publish:
            raise click.UsageError("la liste blanche porte déjà sa signature : retirez --sign et --publish")
        _white_list(settings, out, machine)
        return
    if out is None and (sign or (machine and not publish)):
        raise click.UsageError("--json et --sign portent sur le fichier écrit : ajoutez --out FICHIER")
    if publish and out is not None:
        raise click.UsageError("--publish choisit lui-même le fichier : retirez --out")
    with directory(settings) as index:
        if out is None and not publish:
            in_utf8()
            index.build()  # where there is none, not even the names of the columns
            for text in _FORMS[form](index, settings.ldap_suffix):
                sys.stdout.write(text)
            return
        with written_to(out or settings.data / "exports"), progress(quiet=machine) as show:
            told = _to_file(settings, index, form, out, sign=sign, show=show)
    if machine:
        emit(told)
        return
    where = {"publié": told["file"], "adresse HTTP": f"/v1/export/{form}"} if publish else {"écrit": told["file"]}
    signed = {"signature": f"{told['file']}.jws"} if sign and not publish else {}
    counted = {_WITHIN[form]: told["records"], "octets": told["size"]}
    lines({**where, **signed, "version": told["build"], **counted, "sha256": told["sha256"]})


def _to_file(
    settings: Settings, index: Directory, form: str, out: Path | None, *, sign: bool, show: Callable[..., None]
) -> dict[str, object]:
    """Writes it where asked, or where the HTTP face finds it; what came of it."""
    from directory_service.registry.clock import now_text
    from directory_service.trust import exports, heads

    build, at, folder = index.build(), now_text(), settings.data / "exports"
    path = out or folder / f"{form}-{build.id}"
    path.parent.mkdir(parents=True, exist_ok=True)
    headed = form in _HEADED
    told = _told(_FORMS[form](index, settings.ldap_suffix), headed, f"export {form}", show)
    written, size, digest = exports.write_export(path, told)
    said = exports.Exported(form, build.id, build.cursor, at, size, digest)
    signer = heads.signer(settings.keys_folder, settings.registry_url, heads.EXPORT)
    if out is None:
        exports.publish(folder, path, said, signer)
    elif sign:
        path.with_name(path.name + ".jws").write_text(signer(said.payload()) + "\n", encoding="ascii")
    found = {"build": build.id, "cursor": said.cursor, "format": form, "file": str(path)}
    return {**found, "records": written - headed, "size": size, "sha256": digest}


def _told(parts: Iterator[str], headed: bool, label: str, show: Callable[[str, int, int], None]) -> Iterator[str]:
    """The same, telling how far they are; how many they will be is not known before the end."""
    number = 0
    for number, part in enumerate(parts, 0 if headed else 1):
        if number % _PAGE == 1:
            show(label, number, 0)
        yield part
    show(label, number, number)


def _hits(index: Directory, base: str, *, container: bool = True) -> Iterator[Hit]:
    """Every entry under ``base``, itself included or not, best first."""
    from directory_service.index.query import TRUE, Query, Scope, View

    after: int | None = None
    while True:
        query = Query(base, Scope.SUBTREE if container else Scope.ONE, TRUE, limit=_PAGE, timeout=3600.0, after=after)
        hits = index.search(query, View.ANONYMOUS).hits
        yield from hits
        if len(hits) < _PAGE:
            return
        after = hits[-1].id


def _branch(suffix: str, name: str) -> str:
    from directory_service.ldap.dn import normalise

    return normalise(f"{name},{suffix}" if name else suffix)


def _ldif(index: Directory, suffix: str) -> Iterator[str]:
    """RFC 2849, parents first: what ``slapadd`` and ``ldapadd`` load."""
    from directory_service.entries.export import ldif

    return (ldif(hit.ber) for hit in _hits(index, _branch(suffix, "")))


def _ndjson(index: Directory, suffix: str) -> Iterator[str]:
    """One practitioner a line, as ``/v1/practitioners`` gives it."""
    return (hit.json.decode() + "\n" for hit in _hits(index, _branch(suffix, "ou=personnes"), container=False))


def _csv(index: Directory, suffix: str) -> Iterator[str]:
    """One line per mailbox and holder: an address book that a spreadsheet opens."""
    from directory_service.entries.export import csv_header, csv_row

    yield csv_header()
    yield from (csv_row(hit.ber) for hit in _hits(index, _branch(suffix, "ou=bal"), container=False))


# Field of the mailbox extract, and the LDAP attribute that fills it; the others are made below, or stay empty: an
# entry keeps the street as one line.
_EXTRACT = {
    "type": "asMailboxType",
    "address": "mail",
    "service": "ou",
    "category_code": "asCategoryCode",
    "profession_code": "asProfessionCode",
    "profession": "title",
    "expertise_code": "asSpecialtyCode",
    "expertise": "asSpecialty",
    "name": "o",
    "street_name": "street",
    "postcode": "postalCode",
}
_PAPERLESS = {"TRUE": "O", "FALSE": "N"}
_TITLES = {"Dr": "DR", "Pr": "PR"}  # the extract leaves Mme and M. out


def _mssante(index: Directory, suffix: str) -> Iterator[str]:
    """The columns of *Extraction_Correspondance_MSSante*, which ``annuaire import`` reads back."""
    from directory_service.entries.wire import decode_attributes
    from importers.mssante.layout import MAILBOXES

    yield "|".join(field.captions[0] for field in MAILBOXES.fields) + "\n"
    for hit in _hits(index, _branch(suffix, "ou=bal"), container=False):
        values = _extract_row(decode_attributes(hit.ber))
        yield "|".join(values.get(field.name, "").replace("|", " ") for field in MAILBOXES.fields) + "\n"


def _extract_row(found: Mapping[str, Sequence[bytes]]) -> dict[str, str]:
    from directory_service.model import nomenclature
    from directory_service.model.nomenclature import department_of

    first = {name: values[0].decode() for name, values in found.items()}
    scheme, number = _person_number([v.decode() for v in found.get("asNationalId", ())], first["asMailboxType"])
    place = first.get("asStructureId", "")
    known = place if place[:1].isdigit() else ""  # the extract has no room for a technical id
    return {
        **{field: first.get(name, "") for field, name in _EXTRACT.items()},
        "title": _TITLES.get(first.get("personalTitle", ""), ""),
        "category": nomenclature.label("category", first.get("asCategoryCode", "")),
        "department": department_of(first.get("postalCode", ""), ""),
        "id_type": scheme,
        "id": number,
        "national_id": scheme + number,
        "place_type": known[:1],
        "place_id": known[1:],
        "family_name": first["sn"] if first["asMailboxType"] in ("PER", "CAB") else "",
        "given_names": first.get("givenName", ""),
        "paperless": _PAPERLESS.get(first.get("asPaperless", ""), ""),
        "cedex": " ".join(first[name] for name in ("postalCode", "l") if name in first),
    }


def _person_number(numbers: Sequence[str], kind: str) -> tuple[str, str]:
    """Type of TRE_G08 and number of the person who holds a box.  Of one whom no registry knows, the entry names the
    address (type 10), and then the number that the source wrote, whether it is one or not."""
    from directory_service.model.identifiers import parse_national_id

    if kind not in ("PER", "CAB") or not numbers:
        return "", ""
    written = numbers[1] if numbers[0].startswith("10") and len(numbers) > 1 else numbers[0]
    parsed = parse_national_id(written)
    return (parsed.scheme, parsed.value) if parsed else (written[:1], written[1:])


def _white_list(settings: Settings, out: Path | None, machine: bool) -> None:
    """The trusted space in the form of the official list, contacts included, as it must be."""
    from directory_service.index.query import View
    from importers.whitelist.export import Seal, listed, signed_list

    if out is None:
        raise click.UsageError("une liste blanche s'écrit dans un fichier : ajoutez --out FICHIER")
    seal = Seal.of_files(settings.signing_certificate, settings.signing_key)
    with directory(settings) as index:
        records, build = index.operator_records(View.STAFF), index.build().id
    entries, without = listed(records)
    partial, content = out.with_name(out.name + ".partial"), signed_list(entries, seal)
    with written_to(out):
        partial.write_bytes(content)
        partial.replace(out)
    if without:
        click.echo(f"opérateurs sans nom de certificat, laissés de côté : {', '.join(without)}", err=True)
    if machine:
        emit({"build": build, "format": "whitelist", "file": str(out), "records": len(entries), "left_out": without})
    else:
        lines({"écrit": out, "version": build, "domaines": len(entries)})


_FORMS: dict[str, Callable[[Directory, str], Iterator[str]]] = {
    "ldif": _ldif,
    "ndjson": _ndjson,
    "csv": _csv,
    "mssante": _mssante,
}
