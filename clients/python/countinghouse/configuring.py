"""What is configured as one document: read from a server, and applied to one.

A document has the resources of the contract, in the words of protobuf JSON, by kind: those of accounting are `KINDS`
(`distributionCodes`, `claimTypes`, `collections`, `accountDeterminationTables`, `clients`, `accountingRules`), those of
billing `configuring_billing.KINDS`, those of invoicing `configuring_invoicing.KINDS`. Applied twice it changes nothing
more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from countinghouse.accounting.v1 import (
    account_determination_pb2,
    accounting_rules_pb2,
    clients_pb2,
    configuration_pb2,
)
from countinghouse.client.errors import NotFound
from countinghouse.gl_extraction.v1 import distribution_codes_pb2

if TYPE_CHECKING:
    from types import ModuleType

    from countinghouse.client import Client
    from countinghouse.client.sync.accounting import Accounting

CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"
"""What becomes of a resource."""

_SERVERS = ("name", "create_time", "update_time", "etag")
_SERVERS_OF_VERSIONS = ("name", "version", "create_time", "creator")


class BadDocument(ValueError):
    """The document is none of a configuration."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource.

    Attributes:
        key: Of its list in documents, and the first part of its names.
        message: The name of its message.
        module: Where the message is.
        field: Of requests, that holds one.
        method: By which the client's methods call it.
        code: The field of its code.
        service: The client's attribute that has the methods.
        applied_by: What makes a resource as it is to be, where that takes more than one update.
        owned: The resource without what is the server's alone, where that is more than all have.
        order: What its resources are applied by; without it, they are as the document has them.
        within: The kind of which each one has a list of its own, under that kind's key.
        nested: Whether it is one of these: its names begin with that of what it stands in.
        shown: Which resources documents have that are read; without it, all.
    """

    key: str
    message: str
    module: "ModuleType"
    field: str
    method: str
    code: str = "code"
    service: str = "accounting"
    applied_by: "Callable[[Any, Kind, Any], str] | None" = None
    owned: "Callable[[Any], Any] | None" = None
    order: "Callable[[Any], Any] | None" = None
    within: "Kind | None" = None
    nested: bool = False
    shown: "Callable[[Any], bool] | None" = None

    def own(self, resource: Any) -> Any:  # noqa: ANN401 - one of this kind's messages
        """The resource without what is the server's alone."""
        return self.owned(resource) if self.owned else without(resource, _SERVERS)

    def name_of(self, resource: Any) -> str:  # noqa: ANN401 - one of this kind's messages
        """The name of a resource that may have none yet, unless it is nested."""
        return str(resource.name) if self.nested else f"{self.key}/{getattr(resource, self.code)}"

    def request(self, verb: str, **fields: Any) -> Any:  # noqa: ANN401 - any request
        """A request on this kind."""
        return getattr(self.module, f"{verb}{self.message}Request")(**fields)


DISTRIBUTION_CODES = Kind(
    "distributionCodes",
    "DistributionCode",
    distribution_codes_pb2,
    "distribution_code",
    "distribution_code",
    service="gl",
)
KINDS = (
    DISTRIBUTION_CODES,
    Kind("claimTypes", "ClaimType", configuration_pb2, "claim_type", "claim_type"),
    Kind("collections", "Collection", configuration_pb2, "collection", "collection"),
    Kind(
        "accountDeterminationTables",
        "AccountDeterminationTable",
        account_determination_pb2,
        "account_determination_table",
        "table",
        "collection_code",
    ),
    Kind("clients", "Client", clients_pb2, "client", "client"),
    Kind(
        "accountingRules",
        "AccountingRule",
        accounting_rules_pb2,
        "accounting_rule",
        "rule",
        applied_by=lambda accounting, kind, rule: _apply_rule(accounting, kind, rule),  # noqa: PLW0108 - it stands below
        owned=lambda rule: _future_rule(rule),  # noqa: PLW0108 - as above
    ),
)
"""Of accounting, in the order in which they build on each other."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a resource."""

    name: str
    outcome: str


def read(client: "Client", kinds: Sequence[Kind] = KINDS) -> dict[str, Any]:
    """All that is configured of these kinds, as a document without what is the server's alone."""
    return {kind.key: _read(client, kind) for kind in kinds}


def parse(document: object, kinds: Sequence[Kind] = KINDS) -> list[tuple[Kind, Any]]:
    """The resources of a document, in the order in which they build on each other.

    Raises:
        BadDocument: It is no object, names an unknown kind, or holds what is no resource of its kind.
    """
    if not isinstance(document, Mapping):
        raise BadDocument("the document must be an object of lists, by kind of resource")
    unknown = sorted(set(map(str, document)) - {kind.key for kind in kinds})
    if unknown:
        raise BadDocument(f"{', '.join(unknown)}: there is no such kind; known: {', '.join(k.key for k in kinds)}")
    return [found for kind in kinds for found in _parsed_list(kind, document.get(kind.key), kind.key)]


def apply(client: "Client", resources: list[tuple[Kind, Any]]) -> Iterator[Applied]:
    """Create what there is not, change what differs, leave the rest; each as it comes.

    What has versions gets a new one where it differs; a rule is retired or brought back if its state says so. What the
    server refuses ends it; what came before stays applied, and applying again goes on from there.
    """
    for kind, resource in resources:
        change = kind.applied_by or apply_plain
        yield Applied(kind.name_of(resource), change(getattr(client, kind.service), kind, resource))


def _read(client: "Client", kind: Kind, **parent: str) -> list[dict[str, Any]]:
    listed = getattr(getattr(client, kind.service), f"list_{_many(kind.method)}")
    found = []
    for resource in listed(getattr(kind.module, f"List{_many(kind.message)}Request")(**parent)):
        if kind.shown and not kind.shown(resource):
            continue
        told = MessageToDict(kind.own(resource))
        if kind.within and (inner := _read(client, kind.within, parent=resource.name)):
            told[kind.within.key] = inner
        found.append(told)
    return found


def _parsed_list(kind: Kind, given: object, path: str, parent: str = "") -> list[tuple[Kind, Any]]:
    """The resources of a list, each with those within it."""
    if given is not None and not isinstance(given, list):
        raise BadDocument(f"{path}: must be a list")
    found = [_parsed_one(kind, each, f"{path}[{at}]", parent) for at, each in enumerate(given or ())]
    order = kind.order
    if order is not None:
        found = sorted(found, key=lambda each: order(each[0][1]))
    return [resource for each in found for resource in each]


def _parsed_one(kind: Kind, given: object, path: str, parent: str) -> list[tuple[Kind, Any]]:
    """A resource, and behind it those within it."""
    own, within = (dict(given) if isinstance(given, Mapping) else given), kind.within
    inner = own.pop(within.key, None) if within and isinstance(own, dict) else None
    resource = _parsed(kind, own, path)
    if parent:
        resource.name = f"{parent}/{kind.key}/{getattr(resource, kind.code)}"
    nested = _parsed_list(within, inner, f"{path}.{within.key}", kind.name_of(resource)) if within else []
    return [(kind, resource), *nested]


def _parsed(kind: Kind, given: object, path: str) -> Any:  # noqa: ANN401 - one of the kind's messages
    resource = getattr(kind.module, kind.message)()
    try:
        ParseDict(cast("dict[str, Any]", given), resource)
    except (ParseError, TypeError, AttributeError) as error:
        raise BadDocument(f"{path}: {error}") from None
    if not getattr(resource, kind.code):
        raise BadDocument(f"{path}: {kind.code} must be given")
    return resource


def apply_plain(service: Any, kind: Kind, resource: Any) -> str:  # noqa: ANN401
    """Create a resource, or change it in place; gives what became of it."""
    found = find(service, kind, resource)
    if found is None:
        parent = {"parent": resource.name.rpartition(f"/{kind.key}/")[0]} if kind.nested else {}
        getattr(service, f"create_{kind.method}")(kind.request("Create", **{kind.field: resource}, **parent))
        return CREATED
    wanted = type(resource)()
    wanted.CopyFrom(resource)
    wanted.name, wanted.etag = found.name, found.etag
    request = kind.request("Update", **{kind.field: wanted}, update_mask=FieldMask(paths=["*"]), validate_only=True)
    update = getattr(service, f"update_{kind.method}")
    if kind.own(update(request)) == kind.own(found):
        return UNCHANGED
    request.validate_only = False
    update(request)
    return CHANGED


def _apply_rule(accounting: "Accounting", kind: Kind, rule: Any) -> str:  # noqa: ANN401
    found = find(accounting, kind, rule)
    if found is None:
        outcome = CREATED
        found = accounting.create_rule(kind.request("Create", accounting_rule=_own_rule(rule)))
    else:
        outcome = _apply_version(accounting, found, rule.newest_version)
        found = find(accounting, kind, rule)
    if rule.state in {accounting_rules_pb2.ACCOUNTING_RULE_STATE_UNSPECIFIED, found.state}:
        return outcome
    if rule.state == accounting_rules_pb2.ACCOUNTING_RULE_STATE_RETIRED:
        accounting.retire_rule(kind.request("Retire", name=found.name, etag=found.etag))
    else:
        accounting.unretire_rule(kind.request("Unretire", name=found.name, etag=found.etag))
    return CREATED if outcome == CREATED else CHANGED


def _apply_version(accounting: "Accounting", found: Any, wanted: Any) -> str:  # noqa: ANN401
    """Add a version, unless the newest says the same; when none is told, it may be valid from any time."""
    present = found.newest_version
    request = accounting_rules_pb2.CreateAccountingRuleVersionRequest(
        parent=found.name, etag=found.etag, accounting_rule_version=wanted, validate_only=True
    )
    any_time = not wanted.HasField("valid_from_time") or wanted.valid_from_time == present.valid_from_time
    if any_time:
        request.accounting_rule_version.ClearField("valid_from_time")  # it may have passed since
    rehearsed = own_version(accounting.create_rule_version(request))
    if any_time:
        rehearsed.valid_from_time.CopyFrom(present.valid_from_time)
    if rehearsed == own_version(present):
        return UNCHANGED
    request.accounting_rule_version.CopyFrom(wanted)
    request.validate_only = False
    accounting.create_rule_version(request)
    return CHANGED


def find(service: Any, kind: Kind, resource: Any) -> Any:  # noqa: ANN401
    """The resource as the server has it; None when it has none."""
    try:
        return getattr(service, f"get_{kind.method}")(kind.request("Get", name=kind.name_of(resource)))
    except NotFound:
        return None


def without(resource: Any, fields: Sequence[str]) -> Any:  # noqa: ANN401 - a message of any kind
    """A copy without these fields."""
    own = type(resource)()
    own.CopyFrom(resource)
    for field in fields:
        own.ClearField(field)
    return own


def own_version(version: Any) -> Any:  # noqa: ANN401 - a version of any kind
    """What a version says."""
    return without(version, _SERVERS_OF_VERSIONS)


def _future_rule(rule: accounting_rules_pb2.AccountingRule) -> accounting_rules_pb2.AccountingRule:
    own_rule = _own_rule(rule)
    own_rule.state = rule.state
    own_rule.newest_version.CopyFrom(_future(own_rule.newest_version))
    return own_rule


def _own_rule(rule: accounting_rules_pb2.AccountingRule) -> accounting_rules_pb2.AccountingRule:
    return accounting_rules_pb2.AccountingRule(code=rule.code, newest_version=own_version(rule.newest_version))


def _future(version: accounting_rules_pb2.AccountingRuleVersion) -> accounting_rules_pb2.AccountingRuleVersion:
    """The version without the time that it has been valid from: elsewhere it is valid from when it is applied."""
    if version.valid_from_time.ToDatetime(tzinfo=UTC) <= datetime.now(UTC):
        version.ClearField("valid_from_time")
    return version


def _many(word: str) -> str:
    return f"{word}es" if word.endswith("s") else f"{word}s"
