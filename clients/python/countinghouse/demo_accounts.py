"""Accounts for trying things out: each lives one of the stories that billing has, and always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Any

from google.protobuf.json_format import ParseDict

from countinghouse import demo_tariffs as tariffs
from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.demo_tariffs import COUNTED, COUNTER, DAILY, ESTIMATED, HEAD_OFFICE, HOURLY, SITE, STEPS, TIME

_METERS = {TIME: HOURLY, STEPS: DAILY, COUNTED: COUNTER, ESTIMATED: DAILY, SITE: DAILY, HEAD_OFFICE: ""}


class Habit(Enum):
    """How something is used, and how it is told."""

    USUAL = auto()
    SILENT = auto()
    """Nothing is told of the last month."""
    WILD = auto()
    """The last month comes to many times what is usual."""
    LITTLE = auto()


class Fate(Enum):
    """What becomes of an account's bills after they were made."""

    STANDS = auto()
    REBILLED = auto()
    """A day of February is corrected and billed anew."""
    CREDITED = auto()
    """The last bill is given back."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service agreement, with a meter of the same id where its type wants one."""

    service_id: str
    type_code: str
    habit: Habit = Habit.USUAL
    master: str = ""
    rate_code: str = ""
    until: date | None = None

    @property
    def meter(self) -> str:
        """The type of its profile; empty for none."""
        return _METERS[self.type_code]


@dataclass(frozen=True, slots=True)
class Story:
    """How an account's bills came to be as they are."""

    told: str
    services: tuple[Service, ...]
    fate: Fate = Fate.STANDS
    customer_class: str = tariffs.HOME


def _story(told: str, *services: Service, fate: Fate = Fate.STANDS) -> Story:
    return Story(told, services, fate, tariffs.HOME if len(services) == 1 else tariffs.BUSINESS)


_OFFICE = (Service("OFFICE", HEAD_OFFICE), Service("SITE-1", SITE))
STORIES = (
    _story("a home by time of use", Service("HOME", TIME)),
    _story("a home with a daily meter, charged by steps", Service("HOME", STEPS)),
    _story("a counter that has begun at zero again", Service("HOME", COUNTED)),
    _story("a head office that is charged on its sites", *_OFFICE, Service("SITE-2", SITE)),
    _story("a site without data: the head office waits", *_OFFICE, Service("SITE-2", SITE, Habit.SILENT)),
    _story(
        "a master with two subs", Service("MAIN", TIME), *(Service(f"SUB-{n}", STEPS, master="MAIN") for n in (1, 2))
    ),
    _story("an implausible month", Service("HOME", STEPS, Habit.WILD)),
    _story("the price changed within the month", Service("HOME", STEPS, rate_code=tariffs.GREEN)),
    _story("moved out within the month", Service("HOME", STEPS, until=date(2026, 3, 13))),
    _story("a month that is estimated", Service("HOME", ESTIMATED, Habit.SILENT)),
    _story("lifted to the minimum bill", Service("GARAGE", STEPS, Habit.LITTLE, rate_code=tariffs.GARAGE)),
    _story("February was read wrong, and billed anew", Service("HOME", STEPS), fate=Fate.REBILLED),
    _story("given back by a credit note", Service("HOME", STEPS), fate=Fate.CREDITED),
)


@dataclass(frozen=True, slots=True)
class Case:
    """An account and its story."""

    number: int
    """From 1."""
    story: Story

    @property
    def account_id(self) -> str:
        """The account's id."""
        return f"demo-{self.number:04}"

    def name(self, collection: str, own_id: str) -> str:
        """The resource name of something of it."""
        return f"accounts/{self.account_id}/{collection}/{own_id}"

    def to_import(self) -> pb.AccountToImport:
        """The account with all that belongs to it."""
        return ParseDict(
            {
                "accountId": self.account_id,
                "account": {
                    "description": self.story.told,
                    "customerClassCode": self.story.customer_class,
                    "billCycleCode": tariffs.CYCLE,
                    "invoiceCycleCode": tariffs.INVOICE_CYCLES[self.story.customer_class],
                    "currencyCode": tariffs.CURRENCY,
                    "timeZone": tariffs.ZONE,
                },
                "serviceAgreements": [self._agreement(service) for service in self.story.services],
                "profiles": [self._profile(service) for service in self.story.services if service.meter],
            },
            pb.AccountToImport(),
        )

    def _agreement(self, service: Service) -> dict[str, Any]:
        says: dict[str, Any] = {"typeCode": service.type_code, "startDate": tariffs.day(tariffs.STARTS[0])}
        if service.master:
            says["master"] = self.name("serviceAgreements", service.master)
        if service.rate_code:
            says["rateCode"] = service.rate_code
        if service.until:
            says["endDate"] = tariffs.day(service.until)
        return {"serviceAgreementId": service.service_id, "serviceAgreement": says}

    def _profile(self, service: Service) -> dict[str, Any]:
        owner = self.name("serviceAgreements", service.service_id)
        return {"profileId": service.service_id, "profile": {"typeCode": service.meter, "serviceAgreement": owner}}


def cases(count: int) -> Iterator[Case]:
    """`count` accounts that live the stories in turn."""
    return (Case(number, STORIES[(number - 1) % len(STORIES)]) for number in range(1, count + 1))
