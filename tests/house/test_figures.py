"""The guide tells of every figure, and of none that there is not; so do its alerts and its dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from server.telemetry import figures
from tests.house.tree import ROOT

GUIDE = "docs/guide/observability.md"
ALERTS, DASHBOARD = "deploy/monitoring/alerts.yaml", "deploy/monitoring/dashboard.json"
FIGURE = r"\b((?:countinghouse|grpc)_\w+)(\{[^}]*\})?"


def text_of(path: str) -> str:
    return Path(ROOT, path).read_text(encoding="utf-8")


def samples() -> dict[str, set[str]]:
    """Every series that Prometheus finds, by the name under which it is asked for, and its labels."""
    known: dict[str, set[str]] = {}
    for metric in vars(figures).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
            more = {"le"} if family.type == "histogram" else set()
            known |= {f"{family.name}{ending}": {*metric._labelnames, *more} for ending in endings}
    return known


def hold(query: str, known: Mapping[str, set[str]]) -> None:
    """A query can be read, and names figures that there are, each with labels that it has."""
    promql_parser.parse(query)
    used = re.findall(FIGURE, re.sub(r"\b(by|without) \([^)]*\)", "", query))
    assert used, query
    for name, chosen in used:
        assert name in known, query
        assert set(re.findall(r"(\w+)=", chosen)) <= known[name], query
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(", ")}
    assert all(grouped <= known[name] for name, _ in used), query


@pytest.mark.rule("PLT-42")
def test_alerts_ask_for_figures_that_there_are() -> None:
    """Each says how urgent it is, what is wrong, and what to do; what it shows of a figure it has grouped by."""
    (group,) = yaml.safe_load(text_of(ALERTS))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) >= 12
    for rule in group["rules"]:
        hold(rule["expr"], samples())
        assert rule["labels"]["severity"] in {"page", "ticket"}
        shown = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert shown <= set(re.findall(r"by \((\w+)\)", rule["expr"])), rule
        assert {"summary", "description"} == rule["annotations"].keys()
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    asked = {name for rule in group["rules"] for name, _ in re.findall(FIGURE, rule["expr"])}
    for what in ("deliveries_oldest", "operations_oldest", "pending_details_oldest", "receipts_awaited_oldest"):
        assert f"countinghouse_{what}_seconds" in asked


@pytest.mark.rule("PLT-42")
def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    """Every panel has a query, and its legend shows labels that the query groups by."""
    panels = json.loads(text_of(DASHBOARD))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 8
    for panel in panels:
        for target in panel["targets"]:
            hold(target["expr"], samples())
            grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= {label for group in grouped for label in group.split(", ")}


def test_a_figure_that_is_not_there_is_noticed() -> None:
    """So is a label that the figure does not have."""
    hold('max by (state) (countinghouse_operations{state="QUEUED"})', samples())
    for wrong in (
        "max(countinghouse_operation)",
        'countinghouse_workers{state="QUEUED"}',
        "sum by (a) (countinghouse_workers)",
    ):
        with pytest.raises(AssertionError):
            hold(wrong, samples())


@pytest.mark.rule("PLT-42")
def test_the_guide_lists_every_figure_with_its_labels() -> None:
    """Who reads the table knows every name, and what it can be broken down by."""
    known: dict[str, set[str]] = {}
    for metric in vars(figures).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            known[name] = set(metric._labelnames)
    text = text_of(GUIDE)
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", text, re.MULTILINE))
    assert rows.keys() == known.keys()
    assert set(re.findall(r"\b(?:countinghouse|grpc_server)_\w+", text)) == known.keys()
    labels = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows.items()}
    handled = labels.pop("grpc_server_handled_total")
    assert handled | {"grpc_type", "grpc_service", "grpc_method"} == known.pop("grpc_server_handled_total")
    assert labels == known
