"""What accounts and what belongs to them must be like; pure checks, each violation with the path of its field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from domain.billing.accounts.facts import Known
from domain.billing.accounts.requests import Key, NewAccount, NewAgreement, NewPremise, NewProfile
from domain.billing.configuration import fitting
from domain.billing.configuration.fitting import Around
from domain.billing.configuration.model import AgreementType, Derivation
from domain.billing.creation import derivations
from domain.billing.creation.derivations import Series
from domain.billing.days import day_violations
from domain.billing.names import RESERVED_ID, agreement_name, profile_name
from domain.billing.ordering.model import Agreement
from domain.billing.ordering.rules import master_faults
from domain.kernel.amounts import Fault
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation
from domain.kernel.money import digits_of
from domain.kernel.time import NO_DAY, is_zone, iso_day


def account_violations(path: str, new: NewAccount, known: Known) -> Iterator[Violation]:
    """What is wrong with an account that stands at `path` of a request."""
    configuration = known.configuration
    if new.account_id == RESERVED_ID:
        yield Violation("account_id", "ID_RESERVED", "stands for any account, where one could be named")
    if new.customer_class_code not in configuration.customer_classes:
        text = f"there is no customer class {new.customer_class_code}"
        yield Violation(f"{path}.customer_class_code", "CUSTOMER_CLASS_UNKNOWN", text)
    if not known.scope.has("cycles", new.cycle_code):
        text = f"there is no bill cycle {new.cycle_code}" if new.cycle_code else "must be given: you see some alone"
        yield Violation(f"{path}.bill_cycle_code", "BILL_CYCLE_UNKNOWN", text)
    elif new.cycle_code and new.cycle_code not in configuration.cycles:
        yield Violation(f"{path}.bill_cycle_code", "BILL_CYCLE_UNKNOWN", f"there is no bill cycle {new.cycle_code}")
    if new.invoice_cycle_code and new.invoice_cycle_code not in known.billing_cycles:
        text = f"there is no billing cycle {new.invoice_cycle_code}"
        yield Violation(f"{path}.invoice_cycle_code", "BILLING_CYCLE_UNKNOWN", text)
    if digits_of(new.currency) is None:
        text = f"{new.currency[:8]!r} is not a currency of ISO 4217 that amounts can be in"
        yield Violation(f"{path}.currency_code", "CURRENCY_UNKNOWN", text)
    yield from _zone_violations(path, new.time_zone)
    yield from text_violations(path, new.description, new.attributes)


def premise_violations(path: str, new: NewPremise) -> Iterator[Violation]:
    """What is wrong with a premise that stands at `path` of a request."""
    yield from _zone_violations(path, new.time_zone)
    yield from text_violations(path, new.description, new.attributes)


def agreement_violations(path: str, new: NewAgreement, known: Known) -> Iterator[Violation]:
    """What is wrong with an agreement that stands at `path` of a request, its rate and its master left aside."""
    if new.type_code not in known.configuration.agreement_types:
        text = f"there is no service agreement type {new.type_code}"
        yield Violation(f"{path}.type_code", "SERVICE_AGREEMENT_TYPE_UNKNOWN", text)
    if new.premise_id and known.premise(new.premise_id) is None:
        yield Violation(f"{path}.premise", "PREMISE_UNKNOWN", f"there is no premise {new.premise_id}")
    if new.start_day == NO_DAY:
        yield Violation(f"{path}.start_date", "FIELD_REQUIRED", "must be given")
    else:
        yield from day_violations(f"{path}.start_date", new.start_day)
    if new.end_day != NO_DAY:
        yield from day_violations(f"{path}.end_date", new.end_day)
    if NO_DAY not in {new.start_day, new.end_day} and new.end_day < new.start_day:
        text = f"must not be before it starts, on {iso_day(new.start_day)}"
        yield Violation(f"{path}.end_date", "END_BEFORE_START", text)
    yield from text_violations(path, new.description, new.attributes)


def rate_violations(path: str, new: NewAgreement, currency: str, known: Known) -> Iterator[Violation]:
    """What is wrong with the rate of an agreement of an account in `currency`: its own, or else its type's."""
    kind = known.configuration.agreement_types.get(new.type_code)
    if new.rate_code:
        yield from _rate_violations(f"{path}.rate_code", new.rate_code, currency, known)
        yield from _fitting_violations(f"{path}.rate_code", new.rate_code, kind, known)
    elif kind is not None:
        yield from _rate_violations(f"{path}.type_code", kind.settings.rate, currency, known)


def master_violations(
    account_id: str, masters: Mapping[str, Key | None], known: Known, paths: Mapping[str, str]
) -> Iterator[Violation]:
    """What is wrong with the masters that an account's agreements will have, by their ids (BIL-02).

    `paths` are those of the agreements in the request; of one that is not in it the first is told.
    """
    for agreement_id, (reason, text) in _master_faults(account_id, masters, known).items():
        path = paths.get(agreement_id) or next(iter(paths.values()))
        yield Violation(f"{path}.master", reason, text)


def billed_violations(path: str, *, start_changes: bool, end_day: int, billed_until: int) -> Iterator[Violation]:
    """What of an agreement's days cannot be any more, as it is billed until before a day; 0: it is not billed."""
    if billed_until and start_changes:
        text = f"must stay as it is: the agreement is billed until {iso_day(billed_until)}"
        yield Violation(f"{path}.start_date", "START_BILLED", text)
    if end_day != NO_DAY and end_day < billed_until:
        text = f"must not be before {iso_day(billed_until)}, until when the agreement is billed"
        yield Violation(f"{path}.end_date", "END_BEFORE_BILLED", text)


def profile_violations(
    path: str, new: NewProfile, account_id: str, agreements: Iterable[str], known: Known
) -> Iterator[Violation]:
    """What is wrong with a profile of an account that has these agreements."""
    kind = known.configuration.profile_types.get(new.type_code)
    if kind is None:
        yield Violation(f"{path}.type_code", "PROFILE_TYPE_UNKNOWN", f"there is no profile type {new.type_code}")
    elif (new.derivation.sources or new.derivation.parameters) and not kind.settings.creation:
        text = f"data of profiles of type {new.type_code} come in, they are not created"
        yield Violation(f"{path}.derivation", "DERIVATION_OF_WHAT_COMES_IN", text)
    if new.owner is not None:
        yield from _owner_violations(f"{path}.service_agreement", new.owner, account_id, agreements)
    for at, source in enumerate(new.derivation.sources):
        field = f"{path}.derivation.sources[{at}]"
        if source == (account_id, new.profile_id):
            yield Violation(field, "SOURCE_PROFILE_IS_ITSELF", "a profile is not created from itself")
        elif source not in known.profiles:
            yield Violation(field, "SOURCE_PROFILE_UNKNOWN", f"there is no profile {profile_name(*source)}")
    texts = {f'{path}.derivation.parameters["{name}"]': text for name, text in new.derivation.parameters.items()}
    yield from _character_violations({**texts, f"{path}.description": new.description})


def derivation_violations(
    path: str, new: NewProfile, zone: str, account_id: str, known: Known, *, derived: Mapping[str, Derivation]
) -> Iterator[Violation]:
    """What is wrong with what a profile of this time zone is created from; `derived` are all of its account by id."""
    field, own = f"{path}.derivation", Series(new.type_code, zone)
    yield from derivations.violations(field, own, new.derivation, known.profiles, known.configuration)
    yield from derivations.loop_violations(
        field, {**derived, new.profile_id: new.derivation}, account_id, new.profile_id
    )


def text_violations(path: str, description: str, attributes: Mapping[str, str]) -> Iterator[Violation]:
    """Texts that hold what cannot be kept."""
    texts = {f'{path}.attributes["{name}"]': text for name, text in attributes.items()}
    yield from _character_violations({f"{path}.description": description, **texts})


def _master_faults(account_id: str, masters: Mapping[str, Key | None], known: Known) -> dict[str, Fault]:
    def told(key: Key | None) -> str | None:
        """Agreements elsewhere go by their names: their ids may be those of agreements of the account."""
        return None if key is None else key[1] if key[0] == account_id else agreement_name(*key)

    own = [Agreement(agreement_id, account_id, None, told(key)) for agreement_id, key in masters.items()]
    named = {key for key in masters.values() if key is not None and key in known.agreements}
    elsewhere = [Agreement(agreement_name(*key), key[0]) for key in sorted(named) if key[0] != account_id]
    return master_faults([*own, *elsewhere])


def _rate_violations(field: str, code: str, currency: str, known: Known) -> Iterator[Violation]:
    rate = known.configuration.rates.get(code)
    if rate is None:
        yield Violation(field, "RATE_UNKNOWN", f"there is no rate {code}")
    elif rate.currency != currency:
        text = f"the rate {code} is in {rate.currency}, the account in {currency}"
        yield Violation(field, "RATE_OF_ANOTHER_CURRENCY", text)


def _fitting_violations(field: str, code: str, kind: AgreementType | None, known: Known) -> Iterator[Violation]:
    """Why a rate of its own cannot charge what agreements of the type use."""
    if kind is not None and code in known.configuration.rates:
        around = Around.within(known.configuration, code, known.today)
        for violation in fitting.faults(kind.settings, code, around, kind.code):
            yield Violation(field, violation.reason, violation.description)


def _owner_violations(field: str, owner: Key, account_id: str, agreements: Iterable[str]) -> Iterator[Violation]:
    if owner[0] != account_id:
        text = "must be an agreement of the account that has the profile"
        yield Violation(field, "OWNER_OF_ANOTHER_ACCOUNT", text)
    elif owner[1] not in agreements:
        yield Violation(field, "OWNER_UNKNOWN", f"there is no {agreement_name(*owner)}")


def _zone_violations(path: str, zone: str) -> Iterator[Violation]:
    if not is_zone(zone):
        yield Violation(f"{path}.time_zone", "TIME_ZONE_UNKNOWN", f"there is no IANA time zone {zone[:64]!r}")


def _character_violations(texts: Mapping[str, str]) -> Iterator[Violation]:
    for field, text in texts.items():
        if fault := character_fault(text):
            yield Violation(field, REASON, fault)
