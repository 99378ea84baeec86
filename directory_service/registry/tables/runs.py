"""Import runs and what they leave: files, rejections, findings, the journal, what undoes them, tallies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text, false

from directory_service.registry.tables.base import Key, metadata, source_text

run = Table(
    "run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("actor", Text, nullable=False),  # who ran it: system user, operator name
    Column("kind", Text, nullable=False),  # import, rollback, review
    Column("status", Text, nullable=False),  # done, unchanged
    Column("as_of", Text, nullable=False),  # the instant that the changes bear
    Column("counts", Text, nullable=False, server_default="{}"),  # JSON: acts in numbers, by kind of record
    Column("undone_by", Key),  # the rollback that took it back; NULL while it stands
    Column("impact", Text, nullable=False, server_default="{}"),  # JSON: importers.impact
    Column("accepted", Text),  # JSON: who let an impact past its thresholds, why, and what; NULL when nobody had to
)

run_file = Table(
    "run_file",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_id", Key, ForeignKey("run.id"), nullable=False, index=True),
    Column("layout", Text, nullable=False),  # rpps.activity, mssante.mailboxes…
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("warnings", Text, nullable=False, server_default="[]"),  # JSON list
    Column("findings", Text, nullable=False, server_default="{}"),  # JSON: rule ► lines, rejected or not
    Column("published", Text),  # when its source made it: the stamp of its name, else its own date
    Column("stamped", Boolean, nullable=False, server_default=false()),  # by the stamp
    Index("ix_run_file_layout_sha256", "layout", "sha256"),
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_file_id", Key, ForeignKey("run_file.id"), nullable=False, index=True),
    Column("line", BigInteger, nullable=False),
    source_text("column_name"),
    Column("reason", Text, nullable=False),  # stable code: columns, identifier, name…
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),
    source_text("suggestion"),  # the number that was probably meant
)

finding = Table(  # a line that was kept and trips a rule of quality; the first ones of each rule and file
    "finding",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_file_id", Key, ForeignKey("run_file.id"), nullable=False, index=True),
    Column("line", BigInteger, nullable=False),
    source_text("column_name"),
    Column("rule", Text, nullable=False),  # code of importers.quality.rules
    source_text("value"),
    source_text("suggestion"),
)

source_record = Table(  # what a source last said of one key
    "source_record",
    metadata,
    Column("source", Text, primary_key=True),  # rpps.activity, adeli.activity, mssante.mailboxes…
    Column("key", Text, primary_key=True),  # idNat_PS, address…
    Column("digest", BigInteger, nullable=False),
    Column("subject_id", Key, nullable=False),  # practitioner or mailbox
    Column("run_id", Key, nullable=False),  # the run that last changed it
    Column("gone_at", Text),  # vanished from its source, kept
    Index("ix_source_record_subject_id", "subject_id"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Key, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("run_id", Key),
    Column("kind", Text, nullable=False),  # create, update, close, reopen, merge…
    Column("subject", Text, nullable=False),  # practitioner, organization, mailbox, operator
    Column("subject_id", Key, nullable=False),
    Column("before", LargeBinary),  # JSON; NULL on create
    Column("after", LargeBinary),  # JSON; NULL on a bulk create: the record itself, or the next entry's `before`
    Column("file_id", Key),  # run_file that said so, or no longer says it
    Column("line", BigInteger),  # in that file, of the first row of the record; NULL when it is there no longer
    sqlite_autoincrement=True,
)

undo_range = Table(  # the keys that a run gave, per table: first <= key < after
    "undo_range",
    metadata,
    Column("run_id", Key, ForeignKey("run.id"), primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

undo_row = Table(  # rows as they were before a run first touched them (registry.undo)
    "undo_row",
    metadata,
    Column("run_id", Key, primary_key=True),  # no foreign key: it would be checked at each row
    Column("table_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # the number, or a JSON list of the columns of the key
    Column("before", Text),  # JSON by column; NULL: there was no such row
    sqlite_with_rowid=False,
)

tally = Table(  # how much there is, by what an import may hit: kept by imports, so that no percentage needs a scan
    "tally",
    metadata,
    Column("dimension", Text, primary_key=True),  # people, activities, mailboxes; domain, profession, department
    Column("key", Text, primary_key=True),  # domain name, code; empty for the whole
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
