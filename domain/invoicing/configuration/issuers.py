"""Use cases of issuers that change them, and what they must be; they are read by `registers.service`."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator

from sqlalchemy import Connection

from domain.invoicing.configuration import parties
from domain.invoicing.configuration.model import Issuer, IssuerSettings
from domain.invoicing.configuration.registers import ISSUERS
from domain.invoicing.documents.logos import is_drawable
from domain.invoicing.invoices.states import REASONED
from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation
from domain.kernel.registers import entries
from domain.kernel.registers.service import Change

WORD = ISSUERS.word
LOGO_BYTES_MAX = 200_000
LOGO_PIXELS_MAX = 4_000
"""How wide, and how high, a logo may be: what is small in a file may be large in memory."""

_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,16}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">I4sII5xI")
"""The first chunk of a PNG: its length and kind, width and height, what else it has, its checksum."""

_HEADER_LENGTH = 13


def create(tx: Connection, call: Call, code: str, description: str, settings: IssuerSettings) -> Issuer:
    """Add an issuer. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    new = Issuer(code, description, 1, call.now_us, call.now_us, settings)
    return entries.create(tx, call, ISSUERS, new, violations(settings))


def update(tx: Connection, call: Call, change: Change) -> Issuer:
    """Change the issuer that still has the etag; what is locked keeps the issuer as it was.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """
    return entries.update(tx, call, ISSUERS, change, lambda _, new: violations(new.settings))


def violations(settings: IssuerSettings) -> Iterator[Violation]:
    """All that is wrong with the settings of an issuer."""
    yield from parties.faults(settings.party, f"{WORD}.party")
    yield from _number_faults(settings)
    yield from _account_faults(settings)
    yield from _reason_faults(settings)
    for field in ("bank_account_name", "note"):
        if fault := character_fault(getattr(settings, field)):
            yield Violation(f"{WORD}.{field}", REASON, fault)
    if settings.logo and (fault := _logo_fault(base64.b64decode(settings.logo))):
        yield Violation(f"{WORD}.logo", "LOGO_INVALID", fault)


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN, without spaces, with the check digits that it must have (ISO 13616)."""
    if not _IBAN.fullmatch(text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _number_faults(settings: IssuerSettings) -> Iterator[Violation]:
    prefixes = {"number_prefix": settings.prefix, "credit_note_number_prefix": settings.credit_prefix}
    for field, prefix in prefixes.items():
        if not _PREFIX.fullmatch(prefix):
            text = "must have at most 16 of the letters A to Z, digits, dots, dashes and underscores"
            yield Violation(f"{WORD}.{field}", "NUMBER_PREFIX_INVALID", text)
    if settings.prefix == settings.credit_prefix:
        text = "must differ from that of invoices, or a credit note would have the number of an invoice"
        yield Violation(f"{WORD}.credit_note_number_prefix", "NUMBER_PREFIXES_ALIKE", text)


def _account_faults(settings: IssuerSettings) -> Iterator[Violation]:
    if settings.iban and not is_iban(settings.iban):
        text = "is no IBAN: country, two check digits and the account, in capitals and without spaces"
        yield Violation(f"{WORD}.iban", "IBAN_INVALID", text)
    if settings.bic and not _BIC.fullmatch(settings.bic):
        yield Violation(f"{WORD}.bic", "BIC_MALFORMED", "must be 8 or 11 capitals and digits (ISO 9362)")


def _reason_faults(settings: IssuerSettings) -> Iterator[Violation]:
    for category, text in sorted(settings.reasons.items()):
        field = f'{WORD}.exemption_reasons["{category}"]'
        if category not in REASONED:
            known = ", ".join(sorted(REASONED))
            yield Violation(field, "TAX_CATEGORY_NOT_EXEMPT", f"a reason is told for one of {known}")
        elif not text:
            yield Violation(field, "FIELD_REQUIRED", "must say why no tax is due")
        elif fault := character_fault(text):
            yield Violation(field, REASON, fault)


def _logo_fault(content: bytes) -> str:
    """What is wrong with a logo, by its size and header before what it shows is decoded; empty when nothing is."""
    if len(content) > LOGO_BYTES_MAX:
        return f"has {len(content):,} bytes, at most {LOGO_BYTES_MAX:,} are possible"
    if not content.startswith(_PNG) or len(content) < len(_PNG) + _HEADER.size:
        return "is no PNG"
    length, kind, width, height, checksum = _HEADER.unpack_from(content, len(_PNG))
    covered = content[len(_PNG) + 4 : len(_PNG) + _HEADER.size - 4]
    if (length, kind) != (_HEADER_LENGTH, b"IHDR") or zlib.crc32(covered) != checksum:
        return "is no PNG: its header is damaged"
    if not (0 < width <= LOGO_PIXELS_MAX and 0 < height <= LOGO_PIXELS_MAX):
        return f"is {width} by {height} pixels, at most {LOGO_PIXELS_MAX:,} either way are possible"
    return "" if is_drawable(content) else "is no PNG: what it shows is damaged"
