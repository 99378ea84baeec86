"""Hypothesis strategies of model values, as odd as the real extracts are: stray blanks, quotes, other scripts, empty
fields, equal names, persons without profession, structures without a name."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from directory_service.model.mailboxes import Binding, MailboxType
from directory_service.model.people import Coded, Expertise, Organization, Practitioner, Status
from tests import record_factories as make

odd_text = st.one_of(
    st.sampled_from(
        ["", " ", "D'ESSAI", "LE  BŒUF", "O\"NEIL", "d’Aubigné", "-", "MARTIN", "Martin", " SAINT-LUC ", "ﬁn", "Straße",
         "ΑΣ", "<ol>", ":x", "#1, +2; \\3", "é" * 90, "X" * 200, "\u0301", "M. A"]
    ),
    st.text(max_size=12),
)  # fmt: skip
words = odd_text.filter(lambda t: "\ud800" not in t)
codes = st.sampled_from(["", "10", "60", "SM04", "SM54", "CAPA03", "S", "a-b"])
coded = st.builds(Coded, codes, st.sampled_from(["", "Médecin", "médecin", "Cardiologie"]))
phones = st.sampled_from(["", "0472000000", "+33 4 72 00 00 00", "04.72.00.00.00", "néant", "04 72_00", "@"])
instants = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda d: d.replace(tzinfo=UTC, microsecond=0))
addresses = st.from_regex(r"[a-z][a-z0-9.+'_-]{0,12}@[a-z]{1,8}\.mssante\.fr", fullmatch=True)


@st.composite
def organizations(draw: st.DrawFn) -> Organization:
    pk = draw(st.integers(1, 5))
    return make.make_organization(
        pk,
        name=draw(words),
        trade_name=draw(words),
        finess=draw(st.sampled_from(["", "690000005", "2A0000014"])),
        siret=draw(st.sampled_from(["", "26690000000017", "SANS"])),
        address=make.make_address(
            number=draw(words),
            street_name=draw(words),
            postcode=draw(st.sampled_from(["", "69003", "GL", "1234 AB"])),
            city=draw(st.one_of(words, st.sampled_from(["Lyon 3e Arrondissement", "ST ETIENNE", "PARIS CEDEX 08"]))),
            department=draw(st.sampled_from([("", ""), ("69", "Rhône"), ("2A", "Corse-du-Sud")])),
            cedex=draw(st.sampled_from(["", "25300 DOUBS", "LYON CEDEX 03"])),
        ),
        phone=draw(phones),
        fax=draw(phones),
        status=draw(st.sampled_from(Status)),
    )


@st.composite
def practitioners(draw: st.DrawFn) -> Practitioner:
    profession = draw(coded)
    places = draw(st.lists(st.one_of(st.none(), organizations()), max_size=3))
    return make.make_practitioner(
        draw(st.integers(1, 1000)),
        family_name=draw(words),
        given_names=draw(words),
        number=draw(st.sampled_from([None, ""])),
        adelis=["691234567", *draw(st.lists(st.sampled_from(["2A1234567", "9D1234567"]), unique=True))],
        status=draw(st.sampled_from(Status)),
        title=draw(st.sampled_from([make.NONE, make.DOCTOR, Coded("PR", "Professeur")])),
        profession=profession,
        expertises=draw(st.lists(st.builds(Expertise, st.just("10"), coded, coded), max_size=3)),
        roles=[make.make_role(o, profession=draw(st.sampled_from([profession, make.NURSE]))) for o in places],
    )


@st.composite
def bindings(draw: st.DrawFn, practitioner: st.SearchStrategy[Practitioner | None] | None = None) -> Binding:
    return make.make_binding(
        draw(st.integers(1, 1000)),
        draw(addresses),
        type=draw(st.sampled_from(MailboxType)),
        practitioner=draw(st.one_of(st.none(), practitioners()) if practitioner is None else practitioner),
        organization=draw(st.one_of(st.none(), organizations())),
        profession=draw(coded),
        specialty=draw(coded),
        service=draw(words),
        description=draw(words),
        paperless=draw(st.sampled_from([None, True, False])),
        unlisted=draw(st.booleans()),
        preferred=draw(st.booleans()),
        since=draw(instants),
        family_name=draw(words),
        given_names=draw(words),
        national_id=draw(st.sampled_from(["", "810900000018", "02A1234567", "3690000005/x1"])),
        operator=draw(st.sampled_from(["", "Opérateur d'essai"])),
    )
