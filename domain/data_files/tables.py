"""Data file sets and their files."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text

data_file_set = table(
    "data_file_set",
    text("code", key=True),
    text("description", default=""),
    flag("locked", default=0),
    int64("version", default=1),  # the etag
    int64("created_us"),  # when it became visible; 0 before
    int64("updated_us"),
)
Index("ix_data_file_set_created", data_file_set.c.created_us, data_file_set.c.code)

data_file = table(
    "data_file",
    text("set_code", key=True),
    text("file_name", key=True),
    text("operation_id"),  # the run that wrote it
    int32("position"),  # its place among the run's files, from 1; the manifest comes last
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
Index("ix_data_file_operation", data_file.c.operation_id, data_file.c.position)
