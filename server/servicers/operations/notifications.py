"""Notification endpoints and deliveries (PLT-25).

A secret is put into an answer after it was remembered: what is kept for repeated request ids holds none.
"""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from countinghouse.operations.v1 import notifications_pb2 as pb
from countinghouse.operations.v1 import notifications_pb2_grpc as grpc_service
from domain.deliveries import service as deliveries
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Refused, Violation
from domain.notifications import service as notifications
from server.call import Calls, Context, Tx
from server.mapping import notifications as mapping
from server.mapping.listing import listing_key
from server.outbound.addresses import Reach
from server.outbound.signing import MasterKey
from server.outbound.webhooks import KEY_MISSING


class NotificationKeyMissing(Refused):
    """The server has no master key to sign notifications with; name a file in notification_key_file."""

    reason = KEY_MISSING


class NotificationsServicer(grpc_service.NotificationsServiceServicer):
    """Keeps endpoints and shows deliveries; `reach` says where notifications may go."""

    def __init__(self, calls: Calls, key: MasterKey | None, reach: Reach) -> None:
        self._calls = calls
        self._key = key
        self._reach = reach

    async def CreateNotificationEndpoint(
        self, request: pb.CreateNotificationEndpointRequest, context: Context
    ) -> pb.NotificationEndpoint:
        """Create an endpoint."""
        given, key = request.notification_endpoint, self._master_key()
        self._check_url(given.url)

        def create(tx: Tx, call: Call) -> pb.NotificationEndpoint:
            endpoint = notifications.create(
                tx,
                call,
                url=given.url,
                event_types=given.event_types,
                description=given.description,
                disabled=given.disabled,
                key_id=key.key_id,
            )
            return mapping.endpoint_to_proto(endpoint)

        answer = await self._calls.write(context, request, pb.NotificationEndpoint, create)
        return answer if request.validate_only else _with_secret(answer, key)

    async def GetNotificationEndpoint(
        self, request: pb.GetNotificationEndpointRequest, context: Context
    ) -> pb.NotificationEndpoint:
        """An endpoint."""
        endpoint_id = mapping.id_from_name(request.name)

        def read(tx: Tx, call: Call) -> pb.NotificationEndpoint:
            return mapping.endpoint_to_proto(notifications.get(tx, endpoint_id, call.scope))

        return await self._calls.read(context, read)

    async def ListNotificationEndpoints(
        self, request: pb.ListNotificationEndpointsRequest, context: Context
    ) -> pb.ListNotificationEndpointsResponse:
        """A page of endpoints."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListNotificationEndpointsResponse:
            found = notifications.list_page(tx, page, call.scope)
            shown = found[: page.size]
            return pb.ListNotificationEndpointsResponse(
                notification_endpoints=map(mapping.endpoint_to_proto, shown),
                next_page_token=tokens.token([shown[-1].endpoint_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateNotificationEndpoint(
        self, request: pb.UpdateNotificationEndpointRequest, context: Context
    ) -> pb.NotificationEndpoint:
        """Change an endpoint."""
        change = mapping.change_from_proto(request.notification_endpoint, request.update_mask)
        if change.url is not None:
            self._check_url(change.url)

        def update(tx: Tx, call: Call) -> pb.NotificationEndpoint:
            return mapping.endpoint_to_proto(notifications.update(tx, call, change))

        return await self._calls.write(context, request, pb.NotificationEndpoint, update)

    async def DeleteNotificationEndpoint(
        self, request: pb.DeleteNotificationEndpointRequest, context: Context
    ) -> Empty:
        """Delete an endpoint."""
        endpoint_id = mapping.id_from_name(request.name)

        def delete(tx: Tx, call: Call) -> Empty:
            notifications.delete(tx, call, endpoint_id, etag=request.etag)
            return Empty()

        return await self._calls.write(context, request, Empty, delete)

    async def TestNotificationEndpoint(
        self, request: pb.TestNotificationEndpointRequest, context: Context
    ) -> pb.Delivery:
        """Send an endpoint a test."""
        endpoint_id = mapping.id_from_name(request.name)

        def test(tx: Tx, call: Call) -> pb.Delivery:
            return mapping.delivery_to_proto(notifications.test(tx, call, endpoint_id))

        return self._announced(await self._calls.write(context, request, pb.Delivery, test))

    async def RotateNotificationEndpointSecret(
        self, request: pb.RotateNotificationEndpointSecretRequest, context: Context
    ) -> pb.NotificationEndpoint:
        """Give an endpoint a new secret."""
        endpoint_id, key = mapping.id_from_name(request.name), self._master_key()

        def rotate(tx: Tx, call: Call) -> pb.NotificationEndpoint:
            endpoint = notifications.rotate_secret(tx, call, endpoint_id, etag=request.etag, key_id=key.key_id)
            return mapping.endpoint_to_proto(endpoint)

        return _with_secret(await self._calls.write(context, request, pb.NotificationEndpoint, rotate), key)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, context: Context) -> pb.Delivery:
        """A delivery."""
        delivery_id = mapping.id_from_name(request.name)

        def read(tx: Tx, call: Call) -> pb.Delivery:
            return mapping.delivery_to_proto(deliveries.get(tx, delivery_id, scopes.visible(tx, call.scope)))

        return await self._calls.read(context, read)

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        """A page of deliveries, newest first."""
        wanted, tokens, query = mapping.filter_from_proto(request), self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListDeliveriesResponse:
            found = deliveries.list_page(tx, wanted, page, scopes.visible(tx, call.scope))
            shown = found[: page.size]
            return pb.ListDeliveriesResponse(
                deliveries=map(mapping.delivery_to_proto, shown),
                next_page_token=tokens.token([shown[-1].delivery_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def RedeliverDelivery(self, request: pb.RedeliverDeliveryRequest, context: Context) -> pb.Delivery:
        """Send a delivery again."""
        delivery_id = mapping.id_from_name(request.name)

        def redeliver(tx: Tx, call: Call) -> pb.Delivery:
            seen = scopes.visible(tx, call.scope)
            return mapping.delivery_to_proto(deliveries.redeliver(tx, call, delivery_id, seen))

        return self._announced(await self._calls.write(context, request, pb.Delivery, redeliver))

    def _announced(self, delivery: pb.Delivery) -> pb.Delivery:
        """Have the senders look now."""
        self._calls.announce_delivery(mapping.id_from_name(delivery.name))
        return delivery

    def _master_key(self) -> MasterKey:
        if self._key is None:
            raise NotificationKeyMissing
        return self._key

    def _check_url(self, url: str) -> None:
        if fault := self._reach.url_fault(url):
            raise Invalid(Violation("notification_endpoint.url", "NOTIFICATION_URL_REFUSED", fault))


def _with_secret(endpoint: pb.NotificationEndpoint, key: MasterKey) -> pb.NotificationEndpoint:
    endpoint.secret = key.shown_secret(mapping.id_from_name(endpoint.name), endpoint.secret_number)
    return endpoint
