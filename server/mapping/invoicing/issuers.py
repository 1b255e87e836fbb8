"""Issuers as the contract tells them."""

from __future__ import annotations

import base64

from countinghouse.invoicing.v1 import issuers_pb2 as pb
from domain.invoicing.configuration.model import Issuer, IssuerSettings
from domain.invoicing.names import issuer_name
from domain.kernel.registers.service import Change
from server.mapping.entries import Reads, change_from_proto, stamps, values_of
from server.mapping.invoicing.parties import party_from_proto, party_to_proto

_READS: Reads = {
    "party": lambda given: {"party": party_from_proto(given.party)},
    "number_prefix": lambda given: {"prefix": given.number_prefix},
    "credit_note_number_prefix": lambda given: {"credit_prefix": given.credit_note_number_prefix},
    "iban": lambda given: {"iban": given.iban},
    "bic": lambda given: {"bic": given.bic},
    "bank_account_name": lambda given: {"bank_account_name": given.bank_account_name},
    "exemption_reasons": lambda given: {"reasons": dict(given.exemption_reasons)},
    "note": lambda given: {"note": given.note},
    "logo": lambda given: {"logo": base64.b64encode(given.logo).decode()},
}


def issuer_to_proto(found: Issuer) -> pb.Issuer:
    """An issuer."""
    settings = found.settings
    return pb.Issuer(
        name=issuer_name(found.code),
        code=found.code,
        description=found.description,
        party=party_to_proto(settings.party),
        number_prefix=settings.prefix,
        credit_note_number_prefix=settings.credit_prefix,
        iban=settings.iban,
        bic=settings.bic,
        bank_account_name=settings.bank_account_name,
        exemption_reasons=settings.reasons,
        note=settings.note,
        logo=base64.b64decode(settings.logo),
        **stamps(found),
    )


def settings_from_proto(given: pb.Issuer) -> IssuerSettings:
    """What is set of an issuer, checked for nothing but its form."""
    return IssuerSettings(**values_of(given, _READS))


def issuer_change(request: pb.UpdateIssuerRequest) -> Change:
    """What is changed of which issuer. Raises: Invalid as `updated_code`."""
    return change_from_proto(request, "issuer", issuer_name, _READS)
