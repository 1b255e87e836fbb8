"""`countinghouse config`."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

from server.settings import FILE_DEFAULT, FILE_VARIABLE, PREFIX, Settings, shown, sources, variable


def show(settings: Settings) -> None:
    """Print every setting; passwords are masked."""
    table = Table("setting", "value", "from", "default", "meaning", box=None, pad_edge=False, header_style="bold")
    defaults, come_from = Settings.model_construct(), sources()
    for name, field in Settings.model_fields.items():
        value, default = shown(settings, name), shown(defaults, name)
        table.add_row(variable(name), value, come_from[name], default, field.description)
    console = Console(width=None if os.isatty(1) else 200, highlight=False, soft_wrap=not os.isatty(1))
    console.print(table)
    console.print(
        f"\nEach can stand in the environment, or without {PREFIX} and in lower case in {FILE_DEFAULT} "
        f"(another file: {FILE_VARIABLE})."
    )
