"""A server that speaks S3, on a port of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock
from uuid import uuid4

import boto3  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "a-key",
    "AWS_SECRET_ACCESS_KEY": "a-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@dataclass
class Store:
    """A running server with one bucket; what lies in it outlives a stop."""

    server: ThreadedMotoServer
    host: str
    port: int
    bucket: str

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def client(self) -> Any:
        return boto3.client("s3", endpoint_url=self.endpoint_url)

    def objects(self) -> list[str]:
        """The keys of all objects, in order."""
        return sorted(each["Key"] for each in self.client().list_objects_v2(Bucket=self.bucket).get("Contents", []))

    def unfinished(self) -> list[str]:
        """The keys of uploads that were begun and not completed."""
        return [each["Key"] for each in self.client().list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])]

    def put(self, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=self.bucket, Key=key, Body=content)

    def stop(self) -> None:
        """Nobody listens any more."""
        self.server.stop()

    def start(self) -> None:
        """Listen again where it did before."""
        self.server = _server(self.port)


@contextmanager
def storing() -> Iterator[Store]:
    """A server, and the credentials for it in the environment."""
    server = _server(0)
    host, port = server.get_host_and_port()
    store = Store(server, host, port, f"bucket-{uuid4().hex[:12]}")
    with mock.patch.dict(os.environ, CREDENTIALS):
        store.client().create_bucket(Bucket=store.bucket)
        yield store
    store.server.stop()


def _server(port: int) -> ThreadedMotoServer:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server
