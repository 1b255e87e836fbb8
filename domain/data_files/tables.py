"""Data file sets and their files."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text

data_file_set = table(
    "data_file_set",
    text("code", key=True),
    text("description", default=""),
    flag("locked", default=0),
    int32("file_count", default=0),  # visible files, manifests included
    int64("size_bytes", default=0),  # of them all
    int64("version", default=1),  # the etag
    int64("created_us"),  # when it became visible: the row is made at that moment
    int64("updated_us"),
    int64("scope_id", default=0),  # of the run that made it
    int32("manifest_count", default=0),
    text("manifest_sha256", default=""),  # of the last one: the next carries it
)
Index("ix_data_file_set_created", data_file_set.c.created_us, data_file_set.c.code)
Index(
    "ix_data_file_set_scope",
    data_file_set.c.scope_id,
    data_file_set.c.created_us,
    data_file_set.c.code,
    postgresql_where=data_file_set.c.scope_id != 0,
    sqlite_where=data_file_set.c.scope_id != 0,
)

data_file = table(
    "data_file",
    text("set_code", key=True),
    text("file_name", key=True),
    text("operation_id"),  # the run that wrote it
    int32("position"),  # orders the files of the run; the manifest comes last
    text("path"),  # where the store keeps it
    text("media_type"),
    int64("size_bytes"),
    text("sha256"),  # lower-case hexadecimal
    int64("record_count"),
    json_text("totals"),  # {"USD": {"debit": minor, "credit": minor}}
    flag("manifest", default=0),
    int64("created_us"),
    int64("visible_us", default=0),  # when it became visible; 0 before
)
_f = data_file.c
Index("ix_data_file_operation", _f.operation_id, _f.position)
Index("ix_data_file_visible", _f.set_code, _f.visible_us, _f.operation_id, _f.position)
