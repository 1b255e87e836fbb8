"""Sellers and buyers as the contract tells them."""

from __future__ import annotations

from countinghouse.invoicing.v1 import parties_pb2 as pb
from domain.invoicing.configuration.model import Address, Party

_SAME = (
    "name",
    "vat_id",
    "tax_number",
    "registration_id",
    "electronic_address",
    "contact_name",
    "contact_phone",
    "contact_email",
)
_OF_ADDRESS = ("street", "additional", "city", "postal_code", "subdivision")


def party_to_proto(party: Party) -> pb.Party:
    """A seller or buyer."""
    address = party.address
    return pb.Party(
        address=pb.Address(country_code=address.country, **{field: getattr(address, field) for field in _OF_ADDRESS}),
        electronic_address_scheme=party.electronic_scheme,
        **{field: getattr(party, field) for field in _SAME},
    )


def party_from_proto(given: pb.Party) -> Party:
    """A seller or buyer as it is given, checked for nothing but its form."""
    address = given.address
    return Party(
        address=Address(address.country_code, **{field: getattr(address, field) for field in _OF_ADDRESS}),
        electronic_scheme=given.electronic_address_scheme,
        **{field: getattr(given, field) for field in _SAME},
    )
