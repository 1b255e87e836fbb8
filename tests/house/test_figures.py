"""The guide tells of every figure, and of none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from server.telemetry import figures
from tests.house.tree import ROOT

GUIDE = "docs/guide/observability.md"


@pytest.mark.rule("PLT-42")
def test_the_guide_lists_every_figure_with_its_labels() -> None:
    """Who reads the table knows every name, and what it can be broken down by; alerts name nothing else."""
    known = {}
    for metric in vars(figures).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            known[name] = set(metric._labelnames)
    text = Path(ROOT, GUIDE).read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", text, re.MULTILINE))
    assert rows.keys() == known.keys()
    assert set(re.findall(r"\b(?:countinghouse|grpc_server)_\w+", text)) == known.keys()
    labels = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows.items()}
    handled = labels.pop("grpc_server_handled_total")
    assert handled | {"grpc_type", "grpc_service", "grpc_method"} == known.pop("grpc_server_handled_total")
    assert labels == known
