"""What the configuration refuses, and what it does not decide."""

from __future__ import annotations

from domain.kernel.errors import AlreadyExists, Forbidden, IllegalTransition, Refused


class ConfigurationCodeTaken(AlreadyExists):
    """There is a resource with this code already."""

    reason = "CONFIGURATION_CODE_TAKEN"

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=resource_type, resource_name=name)


class SharedByAllClients(Forbidden):
    """It is shared by all clients: it is changed by callers alone whose permissions hold for all of them."""

    reason = "SCOPE_LACKS_CLIENTS"


class RuleState(IllegalTransition):
    """The rule is retired already, or is not."""

    reason = "RULE_STATE"


class AccountUndetermined(Refused):
    """No row of the collection's account determination table holds (ACC-02)."""

    reason = "ACCOUNT_UNDETERMINED"

    def __init__(self, collection: str, why: str) -> None:
        super().__init__(f"the account of collection {collection} is undetermined: {why}", collection=collection)


class ChannelNotConfigured(Refused):
    """The client's pre-conditions decide for a channel that the client has not configured (ACC-10)."""

    reason = "CHANNEL_NOT_CONFIGURED"

    def __init__(self, client: str, channel: str) -> None:
        super().__init__(
            f"the pre-conditions of client {client} decide for {channel}, which is not configured for it",
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
