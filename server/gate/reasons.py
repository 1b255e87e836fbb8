"""Every reason and code that this program can answer with, in one place (PLT-07).

Errors explain themselves: their reason, status and message stand at their class. What is wrong with a single field, and
what operations tell along the way, stands in the tables here. `docs/reference/errors.md` is made from both
(`tools/reasons.py`), and a house test holds that nothing is missing.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from grpc import StatusCode

import domain
import server
from domain.kernel.errors import DomainError
from domain.operations.model import Severity
from server.gate.errors import CODES

_NOT_MODULES = ("server.__main__", "server.database.migrations")


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable reason or code: the gRPC status it comes with, how grave it is, and what it says."""

    code: str
    status: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class FieldReason:
    """What can be wrong with one field: in field violations, and in the refused rows of a bulk call."""

    code: str
    message: str
    severity: Literal[Severity.FATAL] = Severity.FATAL


@dataclass(frozen=True, slots=True)
class NoticeCode:
    """What an operation or a call tells people along the way."""

    code: str
    severity: Severity
    message: str


FIELDS: tuple[FieldReason, ...] = (
    FieldReason("FIN-IP-ACDE-001", "at least one criterion of the selection must be given"),
    FieldReason("FIN-IP-ACDE-002", "the beginning of the created range is after its end"),
    FieldReason("FIN-IP-ACDE-003", "beside a batch to send again, no other criterion may be given"),
    FieldReason("FIN-IP-ACDE-004", "there is no such group account"),
    FieldReason("ACCOUNTING_RECORD_NOT_IN_BATCH", "the batch has no such operation"),
    FieldReason(
        "ACCOUNTING_RECORD_OF_ANOTHER_OPERATION", "the batch has this number for a record of another operation"
    ),
    FieldReason("ACCOUNT_NOT_OF_CYCLE", "there is no such account of the bill cycle"),
    FieldReason("ACCOUNT_NOT_ONE", "of an account and an expression that gives it exactly one is given"),
    FieldReason("ALGORITHM_MISPLACED", "the algorithm does not run there, or then"),
    FieldReason("ALGORITHM_PARAMETER_INVALID", "a parameter is nothing that the algorithm can take"),
    FieldReason("ALGORITHM_PARAMETER_MISSING", "the algorithm needs the parameter"),
    FieldReason("ALGORITHM_PARAMETER_UNKNOWN", "the algorithm has no such parameter"),
    FieldReason("ALGORITHM_TWICE", "another use at the same moment names the algorithm"),
    FieldReason("ALGORITHM_UNKNOWN", "there is no such algorithm"),
    FieldReason("AMOUNT_FINER_THAN_MINOR_UNIT", "the amount has more decimal digits than its currency"),
    FieldReason("AMOUNT_MALFORMED", "units and nanos do not make one amount"),
    FieldReason("AMOUNT_MISSING", "of debit and credit exactly one must be above zero"),
    FieldReason("AMOUNT_NEGATIVE", "an amount must not be negative; a negative debit is a credit"),
    FieldReason("AMOUNT_NOT_POSITIVE", "the amount must be above zero"),
    FieldReason("AMOUNT_ON_BOTH_SIDES", "of debit and credit exactly one must be above zero"),
    FieldReason("AMOUNT_REQUIRED", "the rule takes the caller's amount, which must be given"),
    FieldReason("AMOUNT_TOO_LARGE", "the amount is beyond 10^15 minor units"),
    FieldReason("ANCHOR_DAY_OUT_OF_RANGE", "periods begin on a day from 1 to 28, which every month has"),
    FieldReason("BIC_MALFORMED", "a BIC has 8 or 11 capitals and digits"),
    FieldReason("BILLING_CYCLE_OF_INVOICE", "an invoice has a billing cycle: it is named for an account alone"),
    FieldReason("BILLING_CYCLE_TWICE", "the billing cycle is named in the first message of a stream alone"),
    FieldReason("BILLING_CYCLE_UNKNOWN", "there is no such billing cycle"),
    FieldReason("BILL_CYCLE_UNKNOWN", "there is no such bill cycle"),
    FieldReason("BILL_OF_ANOTHER_ACCOUNT", "the bill belongs to another account"),
    FieldReason("BILL_SEGMENT_OF_ANOTHER_ACCOUNT", "the segment belongs to another account than the bill"),
    FieldReason("CALENDAR_COUNTRY_UNKNOWN", "no public holidays are known of the country"),
    FieldReason("CALENDAR_DAY_CONTRADICTORY", "the day is a holiday and a working day"),
    FieldReason("CALENDAR_HAS_NO_BUSINESS_DAY", "some year would have no business day"),
    FieldReason("CALENDAR_SUBDIVISION_UNKNOWN", "the country has no such part with holidays of its own"),
    FieldReason("CALENDAR_WEEKDAY_UNKNOWN", "the number is of no day of the week"),
    FieldReason("CHANNEL_TWICE", "a channel has one entry at most"),
    FieldReason("CHARACTER_REFUSED", "the text holds a character that not every database and format can carry"),
    FieldReason(
        "CHARGE_MEASURE_MISSING", "a source came to other units of measure or currencies than the one added up"
    ),
    FieldReason("CHARGE_SOURCE_AT_EQUAL_SEQUENCE", "what it is charged on has an equal processing sequence"),
    FieldReason("CHARGE_SOURCE_LATER", "what it is charged on is processed later"),
    FieldReason("CHARGE_SOURCE_NOT_OF_ACCOUNT", "what it is charged on is none of its account's agreements"),
    FieldReason("CLAIM_TYPE_UNKNOWN", "there is no such claim type"),
    FieldReason("CLIENT_UNKNOWN", "there is no such client"),
    FieldReason("COLLECTIONS_EQUAL", "only suspense moves to suspense: else debit and credit differ"),
    FieldReason("COLLECTION_UNKNOWN", "there is no such collection"),
    FieldReason("CONCURRENCY_INVALID", "the number of calls at once is below 1 or too large"),
    FieldReason("CONDITION_FIELD_UNKNOWN", "the expression reads a field that it cannot see"),
    FieldReason("CONDITION_FUNCTION_UNKNOWN", "the expression calls what it cannot call"),
    FieldReason(
        "CONDITION_HAS_DOUBLE", "the expression holds a fraction: numbers are integers, amounts in minor units"
    ),
    FieldReason(
        "CONDITION_KINDS_DIFFER", "the expression compares or combines what is not of the same or the right kind"
    ),
    FieldReason("CONDITION_MALFORMED", "the expression cannot be read, or holds what expressions here cannot hold"),
    FieldReason("CONDITION_NOT_BOOLEAN", "the condition gives something else than true or false"),
    FieldReason("CONDITION_TOO_COMPLEX", "the expression is nested too deeply"),
    FieldReason("CONDITION_TOO_LONG", "the expression has more than 4,000 characters"),
    FieldReason("COUNTRY_UNKNOWN", "ISO 3166-1 knows no such country"),
    FieldReason("CREATED_DATE_INVALID", "the calendar has no such day"),
    FieldReason("CREATED_TIME_INVALID", "there is no such minute of the day"),
    FieldReason("CREATED_TIME_WITHOUT_DATE", "a time needs its date beside it"),
    FieldReason("CREATION_OF_REGISTER", "intervals are created; a register is read"),
    FieldReason("CREATION_PRIORITY_OUT_OF_RANGE", "the creation priority is below 10 or above 90"),
    FieldReason("CREATION_PRIORITY_UNUSED", "only data that an algorithm creates have a priority"),
    FieldReason("CRON_INVALID", "the text is no cron line of five fields, or one that never comes"),
    FieldReason("CURRENCIES_DIFFER", "debit and credit must have one currency"),
    FieldReason("CURRENCY_IN_USE", "the account has service agreements in its currency"),
    FieldReason("CURRENCY_TWICE", "a currency has one entry at most"),
    FieldReason("CURRENCY_UNKNOWN", "ISO 4217 knows no such currency, or amounts cannot be in it"),
    FieldReason("CUSTOMER_CLASS_UNKNOWN", "there is no such customer class"),
    FieldReason("DATE_INVALID", "the calendar has no such day"),
    FieldReason("DATE_NOT_POSSIBLE", "it cannot have been done on that day"),
    FieldReason("DATE_OUT_OF_RANGE", "the day lies before or behind those that can be"),
    FieldReason("DELAY_OF_TRACKING_ONLY", "what is for tracking only is executed as it is performed"),
    FieldReason("DELAY_OUT_OF_RANGE", "the days of a delay are below 0 or too many"),
    FieldReason("DERIVATION_LOOP", "the profile's data would be created from themselves, by way of others"),
    FieldReason("DERIVATION_OF_WHAT_COMES_IN", "data of profiles of this type come in, and are not created"),
    FieldReason("DISPUTE_AMOUNT_MISSING", "the dispute has no amount of that name, which a rule takes"),
    FieldReason("DISPUTE_OF_ANOTHER_CLAIM", "the dispute belongs to another claim"),
    FieldReason("DISPUTE_REPEATED", "the dispute is named before"),
    FieldReason("DISPUTE_UNKNOWN", "the claim has no such dispute"),
    FieldReason("DISTRIBUTION_CODE_MISSING", "a line that no bill has made is posted by a distribution code"),
    FieldReason("DUE_DAYS_OUT_OF_RANGE", "a bill is due from 0 to 366 days after its date"),
    FieldReason("DURATION_OUT_OF_RANGE", "the duration is too short or too long"),
    FieldReason("ELECTRONIC_SCHEME_UNKNOWN", "electronic addresses have no such scheme (EAS)"),
    FieldReason("END_BEFORE_BILLED", "the agreement is billed beyond that day"),
    FieldReason("END_BEFORE_START", "the end is before the start"),
    FieldReason("END_NOT_AFTER_START", "the end must be after the start"),
    FieldReason("ENTRY_AMOUNT_NAME_UNUSED", "an amount that the caller gives has no name"),
    FieldReason("EXPORT_FORMATS_MISSING", "a billing cycle that exports has a format"),
    FieldReason("EXPORT_FORMAT_TWICE", "an export format is named once"),
    FieldReason(
        "EXPORT_WORKFLOW_INVALID", "an export workflow has from 1 to 64 letters, digits, dots, dashes and underscores"
    ),
    FieldReason("EXPRESSION_NOT_TEXT", "the expression gives something else than a text"),
    FieldReason("EXTERNAL_ID_AWAITS_RESEND", "a voided detail with this external id was sent: resend its batch first"),
    FieldReason("EXTERNAL_ID_TAKEN", "another detail of the source has this external id, with other content"),
    FieldReason("FIELD_IMMUTABLE", "the field never changes"),
    FieldReason("FIELD_MALFORMED", "a code is made of letters, digits, '.', '_' and '-'"),
    FieldReason("FIELD_OF_ONE_CALL", "the field belongs to a single call and means nothing in a template"),
    FieldReason("FIELD_REQUIRED", "the field must be given"),
    FieldReason("FIELD_TOO_LONG", "the text has too many characters"),
    FieldReason("FILTER_INVALID", "the filter cannot be read"),
    FieldReason("GOAL_AFTER_DEADLINE", "the goal is not after the deadline"),
    FieldReason("GROUP_ACCOUNT_UNKNOWN", "there is no such group account"),
    FieldReason(
        "HOOKPOINT_KEY_INVALID", "the key of a hook has at most 64 letters, digits, dots, dashes and underscores"
    ),
    FieldReason("IBAN_INVALID", "it is no IBAN, or its check digits are wrong"),
    FieldReason("ID_REPEATED", "another item of the call has this id"),
    FieldReason("ID_RESERVED", "the id stands for any of them, where one could be named"),
    FieldReason("INSTANT_OUT_OF_RANGE", "the instant must be after 1970"),
    FieldReason(
        "INTERVAL_LENGTH_INVALID",
        "an interval divides an hour, or is hours that divide a day, or a day; registers have none",
    ),
    FieldReason("INTERVAL_UNALIGNED", "no interval of the profile begins at that time, by the clock of its zone"),
    FieldReason("INVOICE_LINES_TOO_MANY", "an invoice has had a million lines"),
    FieldReason("INVOICE_OF_OTHER_ACCOUNT", "the invoice is none of the account that is named"),
    FieldReason("INVOICE_SCHEDULE_OF_OTHER_CYCLE", "the schedule is none of the billing cycle that is named"),
    FieldReason("INVOICE_TOO_LARGE", "the lines of the account's invoice would come to more than can be posted"),
    FieldReason("ISSUER_UNKNOWN", "there is no such issuer"),
    FieldReason("LEDGER_UNKNOWN", "there is no such ledger"),
    FieldReason("LINE_AMOUNT_DIFFERS", "the net amount is not quantity times price, rounded half-up"),
    FieldReason("LINE_CURRENCY_DIFFERS", "the invoice is in another currency"),
    FieldReason("LINE_DIFFERS", "a line of the account has this id, and other content"),
    FieldReason("LINE_NAMED_TWICE", "a credit note gives a line, or a part of it, back once"),
    FieldReason("LINE_OF_OTHER_INVOICE", "the line is none of the invoice that is named"),
    FieldReason("LOCAL_TIME_AMBIGUOUS", "the time comes twice as clocks are put back; it needs an offset"),
    FieldReason("LOCAL_TIME_SKIPPED", "the time does not exist: clocks are put forward over it"),
    FieldReason("LOGO_INVALID", "the logo is no PNG, or is too large"),
    FieldReason("MASTER_IS_ITSELF", "an agreement cannot be its own master"),
    FieldReason("MASTER_IS_SUB", "the master is a sub itself"),
    FieldReason("MASTER_LOOP", "through its master an agreement would be the sub of itself"),
    FieldReason("MASTER_OF_ANOTHER_ACCOUNT", "the master belongs to another account"),
    FieldReason("MASTER_UNKNOWN", "there is no such agreement that could be the master"),
    FieldReason("MAXIMUM_CARRIES_OUT_OF_RANGE", "an invoice is carried at most from 0 to 1,000 times"),
    FieldReason("MAX_RETRIES_INVALID", "retries are from 0, for a single call, to 100"),
    FieldReason("MESSAGE_NOT_IN_BATCH", "the batch has no such message"),
    FieldReason("MESSAGE_RANGE_REVERSED", "the last message is before the first"),
    FieldReason("MINIMUM_USAGE_NEGATIVE", "a minimum usage is not negative"),
    FieldReason("MINIMUM_USAGE_TWICE", "a currency has one minimum usage"),
    FieldReason("NOTIFICATION_URL_REFUSED", "the URL is none that notifications may go to"),
    FieldReason("NUMBER_PREFIXES_ALIKE", "the numbers of credit notes begin otherwise than those of invoices"),
    FieldReason(
        "NUMBER_PREFIX_INVALID", "the prefix of numbers has at most 16 letters, digits, dots, dashes and underscores"
    ),
    FieldReason("OPERATIONS_PARENT_INVALID", "there is one list of operations, named operations"),
    FieldReason("OPERATION_NAME_INVALID", "the name is none of an operation"),
    FieldReason("ORIGIN_UNKNOWN", "the origin is none of the contract's"),
    FieldReason("OWNER_IN_ANOTHER_TIME_ZONE", "the profile's data are of another time zone than the agreement"),
    FieldReason("OWNER_OF_ANOTHER_ACCOUNT", "the agreement belongs to another account than the profile"),
    FieldReason("OWNER_UNKNOWN", "the account has no such agreement"),
    FieldReason("PAGE_SIZE_INVALID", "the page size is below 0 or above 1,000"),
    FieldReason("PAGE_TOKEN_INVALID", "this list gave no such token for this query"),
    FieldReason("PAYMENT_DAYS_OUT_OF_RANGE", "an invoice is due from 0 to 366 days after it is issued"),
    FieldReason("PERIOD_CLOSED", "the accounting period is closed"),
    FieldReason("PERIOD_COUNT_OUT_OF_RANGE", "a schedule has from 1 to 366 periods"),
    FieldReason("PERIOD_DISAGREES", "the day lies in another accounting period than the one given"),
    FieldReason("PERIOD_HALF_GIVEN", "a period has a start and an end, or neither is given"),
    FieldReason("PERIOD_MISSING", "the ledger has no accounting period for the day"),
    FieldReason("PERIOD_MONTHS_OUT_OF_RANGE", "a full period has from 1 to 12 months"),
    FieldReason(
        "PLAUSIBLE_RANGE_UNSOUND",
        "the range names no number of segments from 1 to 60, or no percentages of which one is above the other",
    ),
    FieldReason("PREMISE_UNKNOWN", "there is no such premise"),
    FieldReason("PRICE_NEGATIVE", "a price is not negative; the quantity is, of what is given back"),
    FieldReason("PROCESSING_SEQUENCE_NEGATIVE", "a processing sequence must not be negative"),
    FieldReason("PROCESSING_SEQUENCE_NOT_INTEGER", "a processing sequence is an integer"),
    FieldReason("PROCESSING_SEQUENCE_TOO_LARGE", "a processing sequence must not be above 2,147,483,647"),
    FieldReason("PROFILE_DATA_CREATED", "the profile's data are created from those of other profiles"),
    FieldReason("PROFILE_OF_OTHER_KIND", "the profile has reads and no intervals, or intervals and no reads"),
    FieldReason("PROFILE_TYPE_UNKNOWN", "there is no such profile type"),
    FieldReason("PROFILE_UNKNOWN", "there is no such profile"),
    FieldReason("QUANTITY_FINER_THAN_18", "the quantity has more than 18 decimals"),
    FieldReason("QUANTITY_MALFORMED", "the text is no decimal number"),
    FieldReason("QUANTITY_TOO_LARGE", "the quantity is beyond 10^15 units"),
    FieldReason("QUANTITY_WITHOUT_PRICE", "quantity and price are told both, or neither"),
    FieldReason("RATE_BUCKET_TWICE", "a time-of-use bucket has one price at most"),
    FieldReason("RATE_BUCKET_UNKNOWN", "there is no such time-of-use bucket"),
    FieldReason("RATE_COMPONENT_TWICE", "a component's code is there once in a version"),
    FieldReason("RATE_CURRENCY_DIFFERS", "a version is in another currency than its rate"),
    FieldReason("RATE_DISCOUNT_ABOVE_ALL", "a discount takes off 100 hundredths at most"),
    FieldReason("RATE_NUMBER_MALFORMED", "a price, limit or percentage is no decimal number"),
    FieldReason("RATE_NUMBER_NEGATIVE", "the minimum or percentage is below zero"),
    FieldReason("RATE_NUMBER_TOO_FINE", "a price, limit or percentage has more than 18 decimals"),
    FieldReason("RATE_NUMBER_TOO_LARGE", "a price, limit or percentage is beyond 10^15"),
    FieldReason("RATE_OF_ANOTHER_CURRENCY", "the rate is in another currency than the account"),
    FieldReason("RATE_REFERENCE_NOT_EARLIER", "a component counts on itself or on one behind it"),
    FieldReason("RATE_REFERENCE_TWICE", "a component counts on another twice"),
    FieldReason("RATE_REFERENCE_UNKNOWN", "a component counts on one that its version does not have"),
    FieldReason("RATE_STEPS_NOT_GROWING", "the limit of a step is not above where it begins"),
    FieldReason("RATE_STEP_LIMIT_MISPLACED", "the last step alone has no limit"),
    FieldReason("RATE_TAX_CATEGORY_UNFIT", "the tax category does not go with the percentage of a tax"),
    FieldReason("RATE_UNKNOWN", "there is no such rate"),
    FieldReason("RATE_USAGE_NO_MAXIMUM", "a demand component charges a maximum, and the usage is a sum"),
    FieldReason("RATE_USAGE_NO_SUM", "the usage is a maximum, which demand components alone charge"),
    FieldReason("RATE_VERSION_EMPTY", "a version has no component"),
    FieldReason("RATE_VERSION_TWICE", "two versions are effective from the same day"),
    FieldReason("RATE_WITHOUT_VERSION", "the rate has no version"),
    FieldReason("REGISTER_DIGITS_INVALID", "a register shows from 1 to 15 digits; intervals have none"),
    FieldReason("REGISTER_READ_BEYOND_DIGITS", "the read has more digits than the register"),
    FieldReason("REGISTER_READ_NEGATIVE", "a register does not read less than nothing"),
    FieldReason("RELATIVE_DATE_INVALID", "the request has no such date, or it is fixed already"),
    FieldReason("REQUEST_UNREADABLE", "the bytes are no message of the method's request type"),
    FieldReason("RETURN_DECISION_UNKNOWN", "a record is ACCEPTED or REJECTED"),
    FieldReason("RETURN_LINE_UNREADABLE", "the line of a return file is not in its layout"),
    FieldReason("RETURN_NUMBER_INVALID", "the number is no whole number without leading zeros"),
    FieldReason("RULE_NOT_MANUAL", "the rule may not be used by hand"),
    FieldReason("RULE_OF_ANOTHER_CLAIM_TYPE", "the rule does not apply to claims of this type"),
    FieldReason("RULE_UNKNOWN", "there is no such rule, or it is retired"),
    FieldReason("SCHEDULED_REQUEST_UNKNOWN", "the request is none that can be started by schedule"),
    FieldReason("SCHEDULE_ENDS_BEFORE_START", "a schedule ends after it starts"),
    FieldReason("SCHEDULE_ENDS_TOO_LATE", "schedules end by the year 2200"),
    FieldReason("SCHEDULE_GAP", "schedules of a billing cycle leave no gap"),
    FieldReason("SCHEDULE_OVERLAP", "schedules of a billing cycle do not overlap"),
    FieldReason("SERVICE_AGREEMENT_TYPE_UNKNOWN", "there is no such service agreement type"),
    FieldReason("SETTLEMENT_NOT_SUSPENSE", "a settlement moves from suspense to suspense"),
    FieldReason("SETTLEMENT_OF_TRACKING_ONLY", "what is for tracking only has no second operation"),
    FieldReason("SOURCE_PROFILE_COUNT", "the algorithm takes more profiles, or fewer"),
    FieldReason("SOURCE_PROFILE_INTERVAL", "the profile has other intervals than those that are to be created"),
    FieldReason("SOURCE_PROFILE_IS_ITSELF", "a profile's data are not created from themselves"),
    FieldReason("SOURCE_PROFILE_KIND", "intervals are created from intervals alone"),
    FieldReason("SOURCE_PROFILE_UNIT", "the algorithm does not change the unit of measure"),
    FieldReason("SOURCE_PROFILE_UNKNOWN", "there is no such profile"),
    FieldReason("SOURCE_REQUIRED", "an external id is unique within its source, which must be given too"),
    FieldReason("SOURCE_RESERVED", "the source is that of lines which come from bills, or of credit notes"),
    FieldReason("START_BILLED", "something of the agreement is billed"),
    FieldReason("STATES_NOT_CHOSEN", "what is listed is published: there are no states to choose from"),
    FieldReason("SUBJECT_TYPE_UNKNOWN", "the subject type is none of the contract's"),
    FieldReason("SYSTEM_OF_RECORD_UNKNOWN", "the servers are configured with no such system of record"),
    FieldReason("TAX_CATEGORIES_MIXED", "what is not subject to VAT stands on an invoice of its own (BR-O-11)"),
    FieldReason("TAX_CATEGORY_NOT_EXEMPT", "a reason for no tax is told of the tax categories E, AE, K, G and O"),
    FieldReason("TAX_CATEGORY_UNKNOWN", "EN 16931 knows no such tax category"),
    FieldReason("TAX_CODE_MISSING", "the billing cycle has no distribution code for tax of this category"),
    FieldReason("TAX_DIFFERS", "a reckoned tax of the account has this id, and other content"),
    FieldReason("TAX_NUMBER_OF_BUYER", "sellers alone have a tax number on invoices"),
    FieldReason("TAX_RATE_MALFORMED", "the tax rate is no percentage, or negative"),
    FieldReason("TAX_RATE_MISSING", "tax of category S has a rate above 0"),
    FieldReason("TAX_RATE_TOO_FINE", "a tax rate has at most 4 decimals"),
    FieldReason("TAX_RATE_TOO_HIGH", "a tax rate is not above 100 percent"),
    FieldReason("TAX_RATE_WITHOUT_TAX", "in this tax category no tax is due, so it has no rate"),
    FieldReason("THROUGH_DATE_TOO_LATE", "nothing is billed more than a year ahead"),
    FieldReason("TIMEOUT_NEGATIVE", "the time to wait must not be negative"),
    FieldReason("TIME_MALFORMED", "the text is no time, or no day"),
    FieldReason("TIME_OF_USE_SCHEME_UNKNOWN", "there is no such time-of-use scheme"),
    FieldReason("TIME_WITHOUT_ZONE", "the time has no offset, and the import names no time zone"),
    FieldReason("TIME_ZONE_IN_USE", "the account has agreements or profiles whose days are of its time zone"),
    FieldReason("TIME_ZONE_UNKNOWN", "there is no such IANA time zone"),
    FieldReason("TOO_MANY_DAYS", "more days are asked for than are created at once"),
    FieldReason("TOO_MANY_ITEMS", "the list has too many items"),
    FieldReason("UNIT_CODE_UNKNOWN", "units are told by codes of UN/ECE recommendation 20"),
    FieldReason("UPDATE_MASK_INVALID", "the mask names what is no field"),
    FieldReason("USAGE_DIFFERS", "another value is known of that instant, and the import is no correction"),
    FieldReason("USAGE_IMPORT_TWICE", "how rows are meant is said in the first message of a stream alone"),
    FieldReason("USAGE_INTERVALS_TOO_LONG", "buckets change in the midst of an interval"),
    FieldReason("USAGE_NEEDS_INTERVALS", "a register does not tell when something was used"),
    FieldReason("USAGE_TWICE", "usage of a type has a name of its own"),
    FieldReason("VALID_FROM_PAST", "a version cannot be valid from a time in the past"),
    FieldReason("VAT_ID_MALFORMED", "a VAT id has the prefix of a country and 2 to 13 characters"),
    FieldReason("WINDOWS_OVERLAP", "the window has days of another one of its cycle"),
    FieldReason("WINDOW_COMPLETES_UNFROZEN", "bills are completed only once their segments are frozen"),
    FieldReason("WINDOW_ENDS_BEFORE_START", "the window ends before it starts"),
    FieldReason("WORKFLOW_POINT_UNKNOWN", "no rule of the claim's type belongs to the workflow point"),
)

NOTICES: tuple[NoticeCode, ...] = (
    NoticeCode("ACCOUNTING_BATCH_DAY_OFF", Severity.INFORMATIVE, "today is no business day of the client"),
    NoticeCode("ACCOUNTING_BATCH_NOTHING_PENDING", Severity.INFORMATIVE, "nothing waited for a file; none was written"),
    NoticeCode(
        "ACCOUNTING_BATCH_SET_APART", Severity.WARNING, "some operations do not fit into the file; each has a task"
    ),
    NoticeCode("ACCOUNTING_BATCH_WRITTEN", Severity.INFORMATIVE, "the batch was written to the data file set"),
    NoticeCode("ACT-FL-DAFI-001", Severity.INFORMATIVE, "the messages were written to the data file set"),
    NoticeCode("EXTRACTION_FIELD_EMPTIED", Severity.INFORMATIVE, "a field is empty, as the details added up disagree"),
    NoticeCode("EXTRACTION_NOTHING_SELECTED", Severity.INFORMATIVE, "nothing was selected, made or stamped"),
    NoticeCode("OPERATION_CHUNK_SET_APART", Severity.WARNING, "a part of the work failed for good; the rest goes on"),
    NoticeCode("OPERATION_NOTICES_LEFT_OUT", Severity.INFORMATIVE, "there were more notices than are kept"),
)


DELIVERIES: tuple[NoticeCode, ...] = (
    NoticeCode("DELIVERY_BROKE_OFF", Severity.WARNING, "an unexpected error, which the server's log describes"),
    NoticeCode("DELIVERY_HELD_BACK", Severity.WARNING, "the target failed all the time, so this was never tried"),
    NoticeCode("DELIVERY_LOST_ITS_SENDERS", Severity.WARNING, "each attempt ended with the process that made it"),
    NoticeCode("NOTIFICATION_ENDPOINT_DISABLED", Severity.WARNING, "the endpoint is disabled; not tried again"),
    NoticeCode("NOTIFICATION_ENDPOINT_NOT_FOUND", Severity.WARNING, "the endpoint was deleted; not tried again"),
    NoticeCode("NOTIFICATION_KEY_CHANGED", Severity.WARNING, "the master key is another one: rotate the secret"),
    NoticeCode("NOTIFICATION_KEY_MISSING", Severity.WARNING, "the worker's settings name no master key"),
    NoticeCode("SERVICE_NO_ANSWER", Severity.WARNING, "nobody knows whether the system of record posted it"),
    NoticeCode("SERVICE_REJECTED", Severity.WARNING, "the system of record refused it; not tried again"),
    NoticeCode("SERVICE_UNAVAILABLE", Severity.WARNING, "the system of record did not post it, and may do so later"),
    NoticeCode("SERVICE_UNFIT", Severity.WARNING, "the system of record does not accept the call; not tried again"),
    NoticeCode("SERVICE_UNKNOWN_CONNECTION", Severity.WARNING, "the worker's settings have no such system of record"),
    NoticeCode("TRANSMISSION_DESTINATION_UNKNOWN", Severity.WARNING, "the worker's settings have no such destination"),
    NoticeCode("TRANSMISSION_FILES_OUTSTANDING", Severity.WARNING, "the manifest follows once all else has arrived"),
    NoticeCode("TRANSMISSION_FILE_GONE", Severity.WARNING, "the file is not there any more; not tried again"),
    NoticeCode("TRANSMISSION_HOST_KEY_CHANGED", Severity.WARNING, "the server's key is another one; not tried again"),
    NoticeCode("TRANSMISSION_NAME_TAKEN", Severity.WARNING, "another file has that name; not tried again"),
    NoticeCode("TRANSMISSION_NOT_ADMITTED", Severity.WARNING, "the server does not admit the user; not tried again"),
    NoticeCode("TRANSMISSION_NO_CREDENTIALS", Severity.WARNING, "the key or password cannot be read"),
    NoticeCode("TRANSMISSION_NO_ROOM", Severity.WARNING, "there is no room left at the destination"),
    NoticeCode("TRANSMISSION_REFUSED", Severity.WARNING, "the destination does not take the file"),
    NoticeCode("TRANSMISSION_TOO_SLOW", Severity.WARNING, "not sent within transmission_timeout_s"),
    NoticeCode("TRANSMISSION_UNREACHABLE", Severity.WARNING, "no connection to the server, or it broke off"),
    NoticeCode("WEBHOOK_ADDRESS_REFUSED", Severity.WARNING, "the URL leads where notifications may not go"),
    NoticeCode("WEBHOOK_BROKE_OFF", Severity.WARNING, "the connection broke before an answer"),
    NoticeCode("WEBHOOK_NAME_UNKNOWN", Severity.WARNING, "the host's name has no address"),
    NoticeCode("WEBHOOK_NOT_HTTP", Severity.WARNING, "the receiver's answer is no HTTP"),
    NoticeCode("WEBHOOK_REDIRECTED", Severity.WARNING, "the receiver answered with a redirect, which is not followed"),
    NoticeCode("WEBHOOK_REFUSED", Severity.WARNING, "the receiver answered with another status than success"),
    NoticeCode("WEBHOOK_TLS_REFUSED", Severity.WARNING, "the receiver's certificate or TLS version is not trusted"),
    NoticeCode("WEBHOOK_TOO_SLOW", Severity.WARNING, "no answer within webhook_timeout_s"),
    NoticeCode("WEBHOOK_UNREACHABLE", Severity.WARNING, "no connection to the host"),
)
"""Why an attempt to deliver failed: `failure_reason` of deliveries. Reasons of errors can stand there, too."""


ENDS: tuple[Reason, ...] = (
    Reason(
        "OPERATION_CANCELED", "CANCELLED", Severity.INFORMATIVE, "The operation was canceled; what it had done is told."
    ),
)
"""How operations can end without an error of a step."""


def errors() -> list[Reason]:
    """Every error of the domain and the server with a reason of its own, by code."""
    for package in (domain, server):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(_NOT_MODULES):
                import_module(module.name)
    found = [_reason(kind) for kind in _kinds(DomainError) if "reason" in vars(kind)]
    return sorted([*found, *ENDS], key=lambda reason: reason.code)


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith(("domain.", "server.")):
            yield each
            yield from _kinds(each)


def _reason(kind: type[DomainError]) -> Reason:
    status = next((code for category, code in CODES if issubclass(kind, category)), StatusCode.INTERNAL)
    message = (kind.__doc__ or "").strip().split("\n", 1)[0]
    return Reason(kind.reason, status.name, Severity.FATAL, message)
