"""What the configuration refuses, and what it does not decide."""

from __future__ import annotations

from collections.abc import Sequence

from domain.kernel.errors import IllegalTransition, Refused, Violation


class RuleState(IllegalTransition):
    """The rule is retired already, or is not."""

    reason = "RULE_STATE"


class RuleUnsound(Refused):
    """A retired rule comes back once it is sound by what is configured now."""

    reason = "RULE_UNSOUND"

    def __init__(self, name: str, faults: Sequence[Violation]) -> None:
        told = "; ".join(f"{fault.field}: {fault.description}" for fault in faults)
        super().__init__(f"{name} is not sound by what is configured now: {told}", resource_name=name)


class CollectionSettles(Refused):
    """Rules need the collection to be one of suspense (ACC-03, ACC-06)."""

    reason = "COLLECTION_NEEDED_AS_SUSPENSE"

    def __init__(self, collection: str, rules: list[str]) -> None:
        told = ", ".join(rules)
        super().__init__(
            f"collection {collection} stays one of suspense: rules need it so ({told})", collection=collection
        )


class AccountUndetermined(Refused):
    """No row of the collection's account determination table holds (ACC-02)."""

    reason = "ACCOUNT_UNDETERMINED"

    def __init__(self, collection: str, why: str) -> None:
        super().__init__(f"the account of collection {collection} is undetermined: {why}", collection=collection)


class ChannelNotConfigured(Refused):
    """The channel by which it is to be carried out is not configured for the client (ACC-10)."""

    reason = "CHANNEL_NOT_CONFIGURED"

    def __init__(self, client: str, channel: str) -> None:
        super().__init__(
            f"client {client} has no {channel} channel, by which this is to be carried out",
            client=client,
            channel=channel,
        )


class PreConditionMatchesNothing(Refused):
    """No row of the client's pre-conditions holds (ACC-10)."""

    reason = "PRECONDITION_MATCHES_NOTHING"

    def __init__(self, client: str) -> None:
        super().__init__(
            f"no row of the pre-conditions of client {client} holds; add one that always does", client=client
        )
