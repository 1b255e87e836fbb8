"""Where the server is and who calls, as the environment says it."""

import os
from collections.abc import Mapping
from pathlib import Path

from countinghouse.client.channel import Connection, Tls, Token

_DEFAULT = "127.0.0.1:50051"


def environment(variables: Mapping[str, str] = os.environ) -> Connection:
    """What the variables of the `countinghouse` command stand for: `Client(environment())`.

    They are COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN or COUNTINGHOUSE_CLIENT_TOKEN_FILE, and the PEM files
    COUNTINGHOUSE_CLIENT_TLS_CA, _CERT and _KEY; an empty one is as good as none.

    Raises:
        ValueError: They contradict each other, or would send a token in clear text over a network.
        OSError: A file cannot be read.
    """
    given = {name: value for name, value in variables.items() if value}
    ca, certificate, key = (_content(given.get(f"COUNTINGHOUSE_CLIENT_TLS_{part}")) for part in ("CA", "CERT", "KEY"))
    tls = Tls(ca=ca, certificate=certificate, key=key) if ca or certificate or key else None
    return Connection(target=given.get("COUNTINGHOUSE_ADDRESS", _DEFAULT), token=_token(given), tls=tls)


def _token(given: Mapping[str, str]) -> Token | None:
    token, file = given.get("COUNTINGHOUSE_TOKEN"), given.get("COUNTINGHOUSE_CLIENT_TOKEN_FILE")
    if token and file:
        raise ValueError("COUNTINGHOUSE_TOKEN and COUNTINGHOUSE_CLIENT_TOKEN_FILE exclude each other")
    if file is None:
        return token
    path = Path(file)
    return lambda: path.read_text(encoding="utf-8").strip()  # before every call, as it may be renewed there


def _content(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None
