"""Who holds a mailbox: a person we know, a person whom no registry knows, or a structure.  PURE."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from directory_service.entries.attributes import column, id_key, names_column
from directory_service.entries.entry import BAL
from directory_service.entries.labels import facts
from directory_service.entries.naming import all_tokens, pair_tokens
from directory_service.entries.people import Known, Names, known, name_of, names_of, person_json
from directory_service.entries.places import Place, combined, digits
from directory_service.entries.wire import clean, distinct, many, one
from directory_service.entries.work import Codes, Work, codes_of, work_of
from directory_service.model.identifiers import parse_national_id
from directory_service.model.mailboxes import Binding, MailboxType
from directory_service.model.names import squash
from directory_service.model.people import Coded, Organization, Status


class Holder(NamedTuple):
    """What a holder gives to the entry of the box."""

    names: Names
    work: Work
    place: Place
    numbers_ber: bytes
    keys: tuple[str, ...]
    active: bool
    is_person: bool
    hint: str
    json: dict[str, object]
    changed: list[datetime | None]


def holder_of(bindings: Sequence[Binding], person: Known | None = None) -> Holder:
    """The holder of these bindings of one address, all hers; ``person`` if she was rendered already."""
    b = bindings[0]
    if b.practitioner is not None:
        return _known(person or known(b.practitioner), bindings)
    return _structure(bindings) if held_by_structure(b) else _unknown(bindings)


def held_by_structure(b: Binding) -> bool:
    """Of what no known person holds: is it a structure's, or a person's whom no registry knows?  An office (CAB) is
    the latter only as long as it names no structure: see ``Binding.holder_id``."""
    if b.practitioner is not None or b.type is MailboxType.PERSONAL:
        return False
    return b.organization is not None or b.type is not MailboxType.OFFICE


def _structures(bindings: Sequence[Binding]) -> list[Organization]:
    if len(bindings) == 1:
        only = bindings[0].organization
        return [only] if only else []
    return list({b.organization.pk: b.organization for b in bindings if b.organization}.values())


def _coded(values: Sequence[Coded]) -> tuple[Coded, ...]:
    return tuple([c for c in values if c.code or c.label])


def _known(person: Known, bindings: Sequence[Binding]) -> Holder:
    """Her place is where she uses the box, when the source says; else all her workplaces."""
    p, numbers = person.practitioner, person.numbers
    used = _structures(bindings)
    place = combined(used) if used else person.place
    professions = _coded([b.profession for b in bindings])
    specialties = _coded([b.specialty for b in bindings])
    work = work_of(codes_of(p, BAL, professions, specialties))
    return Holder(
        names=names_of(person.name, title=p.title.code, noun=work.noun, town=place.town, paired=True),
        work=work,
        place=place,
        numbers_ber=numbers.ber,
        keys=numbers.keys,
        active=p.status is Status.ACTIVE,
        is_person=True,
        hint=facts(work.noun, place.name if used else "", place.town),
        json=person_json(p, numbers, work),
        changed=[p.changed_at, *[s.changed_at for s in used or person.structures]],
    )


def _unknown(bindings: Sequence[Binding]) -> Holder:
    """What the source of mailboxes says of a person, and nothing more."""
    b = bindings[0]
    place = combined(_structures(bindings))
    work = work_of(_bare_codes(_coded([x.profession for x in bindings]), _coded([x.specialty for x in bindings])))
    family, given = clean(b.family_name), clean(b.given_names)
    family, given = (family, given) if family else (given or b.address.partition("@")[0], "")
    national = list(dict.fromkeys([b.holder_id, *[clean(x.national_id) for x in bindings if clean(x.national_id)]]))
    person: dict[str, object] = {"id": b.holder_id, "rpps": None, "family_name": family, "given_names": given}
    return Holder(
        names=names_of(name_of(family, given), noun=work.noun, town=place.town, paired=True),
        work=work,
        place=place,
        numbers_ber=_written_numbers(national),
        keys=tuple(id_key("i", n) for n in national),
        active=True,
        is_person=True,
        hint=facts(work.noun, place.name, place.town),
        json=person | {"profession": work.profession_json, "specialty": work.specialty_json},
        changed=[s.changed_at for s in _structures(bindings)],
    )


def _written_numbers(national: list[str]) -> bytes:
    """The numbers as the source wrote them: a box may give an RPPS number that the registry of people lacks."""
    parsed = [i for i in map(parse_national_id, national) if i]
    return (
        many("asNationalId", national)
        + many("asRpps", [i.value for i in parsed if i.scheme == "8" and digits(i.value)])
        + many("asAdeli", [i.value for i in parsed if i.scheme == "0"])
    )


_NOBODY: Final = Codes(BAL, True, "", "", (), (), (), (), ())


def _bare_codes(professions: tuple[Coded, ...], specialties: tuple[Coded, ...]) -> Codes:
    return _NOBODY._replace(
        professions=tuple((c.code, c.label) for c in professions),
        expertises=tuple((c.code, c.label, "", "") for c in specialties),
    )


def _structure(bindings: Sequence[Binding]) -> Holder:
    """``sn`` is the structure, ``cn`` the service and the structure in both orders.  The source may name no structure,
    or one that is unknown: then the address must do."""
    b = bindings[0]
    structures = _structures(bindings)
    o = structures[0] if structures else None
    place = combined(structures)
    service = clean(b.service) or clean(b.description)
    name = place.name or service or b.address.partition("@")[0]
    active = o is None or o.status is Status.ACTIVE
    return Holder(
        names=_structure_names(name, service if service != name else "", place.town),
        work=work_of(_NOBODY._replace(active=active, sectors=(o.sector.code,) if o else ())),
        place=place,
        numbers_ber=one("asNationalId", b.holder_id) if o is None else b"",
        keys=(id_key("i", b.holder_id),) if o is None else (),
        active=active,
        is_person=False,
        hint=facts(place.name if service else "", place.town),
        json={"id": b.holder_id, "name": name},
        changed=[s.changed_at for s in structures],
    )


def _structure_names(name: str, service: str, town: str) -> Names:
    cns = distinct((f"{service} {name}", f"{name} {service}")) if service else [name]
    shown = facts(service, name, town)
    return Names(
        ber=many("cn", cns) + one("sn", name) + one("displayName", shown),
        sn_text=names_column([name]),
        name_text=names_column(cns),
        given_text="",
        shown_text=column([squash(shown)]),
        label=service or name,
        tags=all_tokens((*cns, name)),
        pairs=pair_tokens(name, service),
    )
