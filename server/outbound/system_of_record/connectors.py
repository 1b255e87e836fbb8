"""The connector of a connection, by its kind."""

from __future__ import annotations

from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.grpc_connector import GrpcConnector
from server.outbound.system_of_record.http_connector import HttpConnector
from server.outbound.system_of_record.model import Connector


def connector(connection: Connection, reach: Reach) -> Connector:
    """What speaks to the system of record; `reach` is where it may be."""
    return GrpcConnector(connection, reach) if connection.kind == "grpc" else HttpConnector(connection, reach)
