"""The made-up country on one day: its people, practices and organizational mailboxes, as columns of numbers.

Day 0 is drawn from the seed; each later day replays its own events upon the day before, so that day N is the same
whether days 1 to N-1 were written or not, and whoever does not move keeps every number and address.
Texts are made elsewhere (``rows``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from importers.sample import professions as pro
from importers.sample.boxes import (
    NOWHERE,
    OrganizationBoxes,
    make_domains,
    make_organization_boxes,
    open_boxes,
    repeated,
)
from importers.sample.names import given_names, surnames
from importers.sample.numbers import Ints, draw, grouped_ranks, rpps_numbers
from importers.sample.places import KINDS, Institutions, make_institutions, places

REGISTERED, ADELI_ONLY, MAILBOX_ONLY = range(3)

# What became of an ADELI number: how the person it belongs to can be found again.
NO_ADELI, LINKED, SAME_STRUCTURE, SHARED_MAILBOX, ONLY_ADELI, LINK_ONLY, HIDDEN = range(7)
_ADELI_SHARES = (0.0, 0.098, 0.009, 0.005, 0.017, 0.12, 0.004)  # of the people of the professions that switched over
IN_ADELI_FILE = (LINKED, SAME_STRUCTURE, SHARED_MAILBOX, ONLY_ADELI, HIDDEN)
IN_LINK_TABLE = (LINKED, LINK_ONLY)

_ARRIVALS = 0.0008  # a day and a person
# Newcomers of each day have serials of their own, up to the prime from which on RPPS numbers would come again.
_FIRST_ARRIVAL, _A_DAY = 60_000_000, 20_000
MOST_PEOPLE = 25_000_000  # whose newcomers are _A_DAY
LAST_DAY = 1_998

_P = pro.PROFESSIONS
_WOMEN = np.array([p.women for p in _P])
_SETTINGS = np.array([p.settings for p in _P]).cumsum(axis=1)
_SWITCHED = np.array([p.switched for p in _P])
_CAT18 = np.array([p.cat18 for p in _P])
_STUDENTS = np.array([p.students for p in _P])
_TITLE = np.array([p.title for p in _P])
_DOCTOR = np.array([p.code == "10" for p in _P])


@dataclass
class People:
    """One element, or one line of a table, per person."""

    ids: Ints
    rpps: Ints
    arrived: Ints  # day
    profession: Ints
    sex: Ints  # 1 M, 2 F
    surname: Ints
    birth: Ints  # surname at birth
    box_surname: Ints  # surname when the mailbox was opened
    given: Ints
    spelling: Ints
    place: Ints
    work: Ints  # (n, 3) places of work
    expertise: Ints  # (n, 3), -1 none
    diplomas: Ints  # how many
    student: Ints
    title: Ints  # 0 none, 1 DR, 2 PR
    registry: Ints
    present: Ints  # 0 vanished
    box_domain: Ints  # (n, 2), -1 none
    box_site: Ints  # (n, 2) the institution that the box is tied to, else NOWHERE
    box_open: Ints  # (n, 2)
    box_ever: Ints  # (n, 2)
    box_opened_first: Ints  # (n, 2) as they were on arrival
    box_repeated: Ints
    adeli: Ints  # see NO_ADELI…
    adeli_count: Ints
    old_place: Ints  # where the older ADELI number was issued
    home: Ints  # commune on arrival: where the last ADELI number was issued
    home_work: Ints  # first place of work on arrival
    cat18: Ints


@dataclass
class Practices:
    """Practices (*cabinets*): whose, where, and the profession and name they bear."""

    owner: Ints  # RPPS number
    place: Ints
    profession: Ints
    surname: Ints

    def add(self, owner: Ints, place: Ints, profession: Ints, surname: Ints) -> Ints:
        first = len(self.place)
        self.owner = np.r_[self.owner, owner]
        self.place = np.r_[self.place, place]
        self.profession = np.r_[self.profession, profession]
        self.surname = np.r_[self.surname, surname]
        return np.arange(first, len(self.place))


@dataclass
class Country:
    seed: int
    day: int
    people: People
    practices: Practices
    institutions: Institutions
    organization_boxes: OrganizationBoxes


def make_country(people: int, seed: int, day: int) -> Country:
    """The country of ``seed`` on ``day``, with ``people`` people on day 0."""
    rng = np.random.default_rng([seed, 0])
    institutions = make_institutions(rng, people)
    none = np.zeros(0, np.int64)
    practices = Practices(none, none, none, none)
    folk = _make_people(rng, np.arange(people), seed, 0, practices, institutions)
    holders = np.flatnonzero((folk.box_open[:, 0] == 1) & (folk.registry == REGISTERED))
    folk.box_repeated[repeated(rng, holders, holders[np.isin(folk.adeli[holders], IN_LINK_TABLE)])] = 1
    country = Country(seed, day, folk, practices, institutions, make_organization_boxes(rng, institutions, people))
    for today in range(1, day + 1):
        _live_one_day(country, today, people)
    return country


def _make_people(
    rng: np.random.Generator, ids: Ints, seed: int, day: int, practices: Practices, institutions: Institutions
) -> People:
    n, where = len(ids), places()
    profession = draw(rng, pro.PROFESSION_CUMULATED, n)
    sex = np.where(rng.random(n) < _WOMEN[profession], 2, 1)
    surname = surnames().draw(rng, n)
    birth = _birth_names(rng, surname, sex)
    place, rpps = where.draw(rng, n), rpps_numbers(ids, seed)
    student = (rng.random(n) < _STUDENTS[profession]).astype(np.int64)
    work = _places_of_work(rng, rpps, profession, student, place, surname, practices, institutions)
    registry, adeli = _registries(rng, profession, day)
    adeli = np.where((adeli == SAME_STRUCTURE) & ~_tied(work[:, 0], rpps, practices), LINKED, adeli)
    work[registry == MAILBOX_ONLY] = NOWHERE
    domain, site = make_domains(rng, profession, place, work, institutions)
    forced = (registry == MAILBOX_ONLY) | (adeli == SHARED_MAILBOX)
    opened = open_boxes(rng, profession, domain, site, institutions, forced)
    cat18 = (rng.random(n) < 0.06) & (_CAT18[profession] | (adeli > 0)) & (day == 0) & (student == 0)
    return People(
        ids=ids, rpps=rpps, arrived=np.full(n, day), profession=profession, sex=sex, surname=surname, birth=birth,
        box_surname=surname.copy(),
        given=np.where(sex == 2, given_names(2).draw(rng, n), given_names(1).draw(rng, n)),
        spelling=draw(rng, np.array([0.35, 0.5, 0.85, 1.0]), n), place=place, work=work,
        expertise=_expertise(rng, profession), diplomas=1 + draw(rng, np.array([0.7, 0.96, 1.0]), n),
        student=student, title=_titles(rng, profession, student), registry=registry, present=np.ones(n, np.int64),
        box_domain=domain, box_site=site, box_open=opened, box_ever=opened.copy(), box_opened_first=opened.copy(),
        box_repeated=np.zeros(n, np.int64), adeli=adeli,
        adeli_count=np.where(adeli > 0, 1 + (rng.random(n) < 0.07), 0), old_place=where.draw(rng, n),
        home=place.copy(), home_work=work[:, 0].copy(),
        cat18=(cat18 | (adeli == SHARED_MAILBOX)).astype(np.int64),
    )  # fmt: skip


def _birth_names(rng: np.random.Generator, surname: Ints, sex: Ints) -> Ints:
    """Three women in ten practise under another name than their birth name; compounds begin with it."""
    other = (rng.random(len(surname)) < 0.3) & (sex == 2)
    return np.where(other, surnames().draw(rng, len(surname)), surnames().first[surname])


def _titles(rng: np.random.Generator, profession: Ints, student: Ints) -> Ints:
    doctor = (rng.random(len(profession)) < _TITLE[profession]) & (student == 0)
    return np.where(doctor, 1 + (rng.random(len(profession)) < 0.015), 0)


def _places_of_work(
    rng: np.random.Generator, rpps: Ints, profession: Ints, student: Ints, place: Ints, surname: Ints,
    practices: Practices, institutions: Institutions,
) -> Ints:  # fmt: skip
    """Up to three: none (8 %), one, several; the first by the profession's setting, all in one département."""
    n = len(profession)
    shares = np.where(_DOCTOR[profession][:, None], [0.07, 0.64, 0.91, 1.0], [0.08, 0.75, 0.95, 1.0])
    count = np.where(student == 1, 1, (rng.random((n, 1)) > shares).sum(axis=1))
    setting = (rng.random((n, 1)) > _SETTINGS[profession]).sum(axis=1).clip(max=pro.PRACTICE)
    setting = np.where(student == 1, pro.HOSPITAL, setting)
    other = np.where(_DOCTOR[profession] & (rng.random(n) < 0.5), pro.PRACTICE - setting, setting).clip(0, pro.PRACTICE)
    work = np.full((n, 3), NOWHERE)
    for rank, wanted in enumerate((setting, other, setting)):
        here = count > rank
        work[here, rank] = _find_work(
            rng, wanted[here], rpps[here], place[here], profession[here], surname[here], practices, institutions
        )
    work[work[:, 1] == work[:, 0], 1] = NOWHERE
    work[(work[:, 2] == work[:, 0]) | (work[:, 2] == work[:, 1]), 2] = NOWHERE
    return work


def _find_work(
    rng: np.random.Generator, setting: Ints, rpps: Ints, place: Ints, profession: Ints, surname: Ints,
    practices: Practices, institutions: Institutions,
) -> Ints:  # fmt: skip
    work = np.full(len(setting), NOWHERE)
    own = setting == pro.PRACTICE
    near = institutions.draw_near(rng, setting[~own], places().departments[place[~own]])
    work[~own] = -2 - near
    work[own] = _settle(rng, rpps[own], place[own], profession[own], surname[own], practices)
    return work


def _tied(work: Ints, rpps: Ints, practices: Practices) -> NDArray[np.bool_]:
    """Whether the place of work says who she is in both registries: an institution, or her own practice."""
    owned = work >= 0
    owned[owned] = practices.owner[work[owned]] == rpps[owned]
    return owned | (work < NOWHERE)


def _settle(
    rng: np.random.Generator, rpps: Ints, place: Ints, profession: Ints, surname: Ints, practices: Practices
) -> Ints:
    """A practice for each: neighbours of one commune share one four times in ten."""
    if not len(place):
        return place
    order = np.argsort(place, kind="stable")
    neighbour = np.r_[False, place[order][1:] == place[order][:-1]]
    founds = ~(neighbour & (rng.random(len(place)) < 0.42))
    founders = order[founds]
    numbers = practices.add(rpps[founders], place[founders], profession[founders], surname[founders])
    settled = np.empty(len(place), np.int64)
    settled[order] = numbers[founds.cumsum() - 1]
    return settled


def _registries(rng: np.random.Generator, profession: Ints, day: int) -> tuple[Ints, Ints]:
    """In which registry, and what became of the ADELI number.  Newcomers have an RPPS number only."""
    n = len(profession)
    edges = np.cumsum(_ADELI_SHARES)
    adeli = np.searchsorted(edges, rng.random(n), side="right")
    adeli = np.where(_SWITCHED[profession] & (adeli < len(edges)) & (day == 0), adeli, NO_ADELI)
    registry = np.where(adeli == ONLY_ADELI, ADELI_ONLY, REGISTERED)
    unknown = (rng.random(n) < 0.004) & (adeli == NO_ADELI)
    return np.where(unknown, MAILBOX_ONLY, registry), adeli


def _expertise(rng: np.random.Generator, profession: Ints) -> Ints:
    """Doctors have one to three savoir-faire, a few of the others one."""
    table, found = pro.expertises(), np.full((len(profession), 3), -1)
    for rank, p in enumerate(_P):
        if p.code == "10" or p.code in pro.ALONE_SHARE:
            holders = np.flatnonzero(
                (profession == rank) & (rng.random(len(profession)) < pro.ALONE_SHARE.get(p.code, 0.985))
            )
            found[holders, 0] = table.draw_main(rng, p.code, len(holders))
    doctors = np.flatnonzero(_DOCTOR[profession] & (found[:, 0] >= 0))
    for column, share in ((1, 0.46), (2, 0.13)):
        more = doctors[rng.random(len(doctors)) < share]
        found[more, column] = table.draw_other(rng, len(more))
    return found


# --- one more day ---------------------------------------------------------------------------------------------


def _live_one_day(country: Country, today: int, base: int) -> None:
    """About one row in two hundred changes: moves, departures, returns, new names, mailboxes, newcomers."""
    rng = np.random.default_rng([country.seed, today])
    people = country.people
    _move(rng, country, np.flatnonzero(rng.random(len(people.ids)) < 0.0028))
    _leave_and_return(rng, people)
    _rename(rng, people)
    _open_and_close(rng, people)
    _switch_over(rng, people)
    _organizations_live(rng, country)
    first, last = int(base * _ARRIVALS * (today - 1)), int(base * _ARRIVALS * today)
    ids = _FIRST_ARRIVAL + today * _A_DAY + np.arange(last - first)
    newcomers = _make_people(rng, ids, country.seed, today, country.practices, country.institutions)
    country.people = People(
        **{f.name: np.concatenate([getattr(people, f.name), getattr(newcomers, f.name)]) for f in fields(People)}
    )


def _move(rng: np.random.Generator, country: Country, movers: Ints) -> None:
    """Another commune of the same département, and work there, of the same setting."""
    people, kinds = country.people, np.array([k.setting for k in KINDS])
    movers = movers[people.work[movers, 0] != NOWHERE]
    place = places().draw_near(rng, places().departments[people.place[movers]])
    now = people.work[movers, 0]
    setting = np.where(now >= 0, pro.PRACTICE, kinds[country.institutions.kinds[np.where(now <= -2, -2 - now, 0)]])
    people.place[movers] = place
    people.work[movers, 0] = _find_work(
        rng,
        setting,
        people.rpps[movers],
        place,
        people.profession[movers],
        people.surname[movers],
        country.practices,
        country.institutions,
    )


def _leave_and_return(rng: np.random.Generator, people: People) -> None:
    chance = rng.random(len(people.ids))
    back = (people.present == 0) & (chance < 0.03)
    gone = (people.present == 1) & (people.registry == REGISTERED) & (chance > 1 - 0.0007)
    people.present[back], people.present[gone] = 1, 0
    closed = gone & (rng.random(len(people.ids)) < 0.7)  # the others: an open box whose holder has left
    people.box_open[closed] = 0


def _rename(rng: np.random.Generator, people: People) -> None:
    changed = np.flatnonzero((rng.random(len(people.ids)) < 0.0002) & (people.sex == 2))
    people.surname[changed] = surnames().draw(rng, len(changed))


def _open_and_close(rng: np.random.Generator, people: People) -> None:
    """11 June to 25 August 2026: 6 boxes in 10,000 opened a day, 9 closed (formats.md §1); a bit more here."""
    chance = rng.random(len(people.ids))
    here = (people.present == 1) & (people.registry == REGISTERED)
    free = here & (people.box_open[:, 0] == 0)
    held = here & (people.box_open[:, 0] == 1) & (people.adeli != SHARED_MAILBOX)
    people.box_open[free & (chance < 0.0004), 0] = 1
    people.box_open[held & (chance > 1 - 0.002)] = 0
    people.box_ever |= people.box_open


def _switch_over(rng: np.random.Generator, people: People) -> None:
    """Some of those who had an ADELI number only receive their RPPS number, and enter the link table."""
    switched = (people.registry == ADELI_ONLY) & (rng.random(len(people.ids)) < 0.004)
    people.registry[switched] = REGISTERED
    people.adeli[switched] = LINK_ONLY


def _organizations_live(rng: np.random.Generator, country: Country) -> None:
    boxes = country.organization_boxes
    boxes.open[rng.random(len(boxes.site)) < 0.001] = 0
    born = boxes.site[rng.random(len(boxes.site)) < 0.0007]
    born = born[country.institutions.domain[born] >= 0]
    boxes.site = np.r_[boxes.site, born]
    boxes.rank = grouped_ranks(boxes.site)
    boxes.open = np.r_[boxes.open, np.ones(len(born), np.int64)]
