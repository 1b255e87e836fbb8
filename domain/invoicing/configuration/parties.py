"""What sellers and buyers must be, so that an e-invoice can name them (EN 16931: BG-4 to BG-9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from importlib import resources

from domain.invoicing.codes import ELECTRONIC_SCHEMES
from domain.invoicing.configuration.model import Party
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation

_VAT_ID = re.compile(r"([A-Z]{2})[0-9A-Z+*]{2,13}")
_VAT_PREFIXES = frozenset({"EL", "XI"})
"""Prefixes of VAT ids that are no codes of countries: Greece, and Northern Ireland."""


def faults(party: Party, path: str) -> Iterator[Violation]:
    """All that is wrong with a party in the field `path`; VAT ids are checked for their form alone."""
    yield from _character_faults(party, path)
    if not party.name.strip():
        yield Violation(f"{path}.name", "FIELD_REQUIRED", "must be given")
    if party.address.country not in countries():
        text = "must be a country's code of two letters (ISO 3166-1)"
        yield Violation(f"{path}.address.country_code", "COUNTRY_UNKNOWN", text)
    if party.vat_id and not _is_vat_id(party.vat_id):
        text = "must be a country's prefix of two letters and 2 to 13 characters, without spaces"
        yield Violation(f"{path}.vat_id", "VAT_ID_MALFORMED", text)
    yield from _electronic_faults(party, path)


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The codes of countries (ISO 3166-1 alpha-2), as the database of time zones has them."""
    listed = (resources.files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in listed.splitlines() if line and not line.startswith("#"))


def _is_vat_id(text: str) -> bool:
    found = _VAT_ID.fullmatch(text)
    return found is not None and (found[1] in _VAT_PREFIXES or found[1] in countries())


def _electronic_faults(party: Party, path: str) -> Iterator[Violation]:
    address, scheme = party.electronic_address, party.electronic_scheme
    if bool(address) != bool(scheme):
        field = "electronic_address_scheme" if address else "electronic_address"
        text = "an electronic address is given with its scheme, or neither is"
        yield Violation(f"{path}.{field}", "FIELD_REQUIRED", text)
    if scheme and scheme not in ELECTRONIC_SCHEMES:
        text = "must be a code of the list EAS, such as 0088 for a GLN, or EM for mail (BR-CL-25)"
        yield Violation(f"{path}.electronic_address_scheme", "ELECTRONIC_SCHEME_UNKNOWN", text)


def _character_faults(party: Party, path: str) -> Iterator[Violation]:
    fields = asdict(party)
    address = fields.pop("address")
    for field, text in {**fields, **{f"address.{name}": text for name, text in address.items()}}.items():
        if fault := character_fault(text):
            yield Violation(f"{path}.{field}", REASON, fault)
