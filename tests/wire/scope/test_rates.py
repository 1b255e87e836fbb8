"""Rates and service agreement types, by callers whose permissions hold for some bill cycles (PLT-14)."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.server import refusal
from tests.wire.scope.world import THEIRS, World


@pytest.mark.rule("PLT-14")
def test_rates_and_types_are_seen_by_all_and_changed_by_those_who_see_every_cycle(world: World) -> None:
    """They concern every bill cycle."""
    root, ann = world.root, world.ann
    code = f"D-{THEIRS}"
    fixed = {"code": "FIXED", "distribution_code": code, "fixed": {"price": {"value": "5"}}}
    version = {"effective_date": {"year": 2026, "month": 1, "day": 1}, "components": [fixed]}
    rate = {"code": "R", "currency_code": "USD", "newest_version": version}
    kind = {"code": "T", "rate_code": "R", "receivable_distribution_code": code}
    changes = (
        ("CreateRate", {"rate": rate}),
        ("UpdateRate", {"rate": {"name": "rates/R", "description": "x", "etag": "1"}}),
        ("CreateRateVersion", {"parent": "rates/R", "etag": "2", "rate_version": version}),
        ("CreateServiceAgreementType", {"service_agreement_type": kind}),
        (
            "UpdateServiceAgreementType",
            {"service_agreement_type": {"name": "serviceAgreementTypes/T", "description": "x", "etag": "1"}},
        ),
    )
    for method, fields in changes:
        assert refusal(partial(ann.billing, method, **fields)).reason == "SCOPE_TOO_NARROW", method
        root.billing(method, **fields)
    for kind_name, name in (
        ("Rate", "rates/R"),
        ("RateVersion", "rates/R/versions/2"),
        ("ServiceAgreementType", "serviceAgreementTypes/T"),
    ):
        assert ann.billing(f"Get{kind_name}", name=name).name == name
        parent = {"parent": "rates/R"} if kind_name == "RateVersion" else {}
        assert f'"{name}"' in str(ann.billing(f"List{kind_name}s", **parent))
