"""The formats of batch files (ACC-31)."""

from __future__ import annotations

from domain.accounting.batches.layouts import csv_lines, fixed_width, json_lines
from domain.accounting.batches.layouts.form import Form
from domain.accounting.configuration.model import FileFormat

FORMS: tuple[Form, ...] = (csv_lines.FORM, fixed_width.FORM, json_lines.FORM)
"""Every format; another one is a file and a line here."""


def form_of(file_format: FileFormat) -> Form:
    """How files of a format are written."""
    return next(form for form in FORMS if form.file_format is file_format)
