"""A unary call: what the gate leaves of a bare echo, and the whole way to a row and back."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench import caller, seed
from bench.databases import open_databases
from bench.figures import COMPARISON, Table, compare, interleave, spread
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import free_port, serve

AIM = 0.7
SIGNED_AIM = 0.65
WARM_UP = 1_000
TOKEN = "a-token-for-measuring"  # noqa: S105 - nothing is guarded by it
TOKENS = f"""
[[tokens]]
caller = "bench"
token = "{TOKEN}"
permissions = ["*"]
"""


class Calls:
    """A client process at a server, whose cost is that of the trees under `roots`."""

    def __init__(self, roots: Sequence[int], process: "subprocess.Popen[str]") -> None:
        self._roots, self._process = roots, process
        self.make(WARM_UP)

    def make(self, count: int) -> Spent:
        """Make calls; gives what they cost the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        taken = Meter(self._roots)
        print(count, file=self._process.stdin, flush=True)
        seconds = float(self._process.stdout.readline())
        return Spent(count, taken.spent().cpu_s, seconds)


def unary(options: Options) -> Iterator[Table]:
    """Each of the product's ways in turns with the bare echo, all servers standing by."""
    rows = []
    with options.folder() as folder, ExitStack() as stack:
        token_file = folder / "tokens.toml"
        token_file.write_text(TOKENS)
        bare = stack.enter_context(_echo(folder))
        gate = stack.enter_context(_echo(folder, TOKEN, token_file=token_file))
        pairs = interleave(options.pairs, partial(gate.make, options.calls), partial(bare.make, options.calls))
        rows.append(compare("none: echo behind the gate", pairs, aim=AIM))
        token, settings = _signed(folder)
        signed = stack.enter_context(_echo(folder, token, **settings))
        pairs = interleave(options.pairs, partial(signed.make, options.calls), partial(bare.make, options.calls))
        rows.append(compare("none: echo behind the gate, with JWT (cached) and validation", pairs, aim=SIGNED_AIM))
        for dialect in options.databases:
            with open_databases(dialect, folder) as databases:
                url = databases.template("books", lambda url: seed.execute(url, seed.REFERENCE))
                with serve(url, folder, token=TOKEN, token_file=token_file) as product:
                    roots = [*databases.roots, product.server]
                    with _calls(product.target, roots, TOKEN) as real:
                        pairs = interleave(
                            options.pairs, partial(real.make, options.calls), partial(bare.make, options.calls)
                        )
            rows.append([*compare(f"{dialect}: GetLedger", pairs, aim=0)[:-1], "none"])
    title = f"A unary call, {caller.CONCURRENT} at once, against a bare grpc.aio echo of the same message"
    notes = ["The rows with a database are not comparisons of like with like: they read a row in a transaction."]
    yield Table(title, COMPARISON, rows, notes)


def gate_alone(folder: Path, calls: int, times: int) -> float:
    """Microseconds of CPU that the gate adds to a call, in the middle of so many tries."""
    token_file = folder / "tokens.toml"
    token_file.write_text(TOKENS)
    with _echo(folder) as bare, _echo(folder, TOKEN, token_file=token_file) as gate:
        pairs = interleave(times, partial(gate.make, calls), partial(bare.make, calls))
    return spread(above.cpu_us - below.cpu_us for above, below in pairs).median


def _signed(folder: Path) -> tuple[str, dict[str, object]]:
    """A token as issuers sign them, and the settings that take it."""
    key = rsa.generate_private_key(65_537, 2_048)
    now = int(time.time())
    claims = {
        "iss": "https://login.example.com/",
        "aud": "countinghouse",
        "sub": "bench",
        "iat": now,
        "exp": now + 86_400,
        "countinghouse": {"permissions": ["read"]},
    }
    keys = folder / "keys.pem"
    keys.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    settings = {"jwt_keys_file": keys, "jwt_issuer": claims["iss"], "jwt_audience": claims["aud"]}
    return jwt.encode(claims, key, "RS256", {"kid": "bench"}), settings


@contextmanager
def _echo(folder: Path, token: str = TOKEN, **settings: object) -> Iterator[Calls]:
    """An echo server with a client, behind the gate when there are settings for it."""
    target = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "bench.echo", target, *(["--gate"] if settings else [])]
    given = {f"COUNTINGHOUSE_{name}".upper(): str(value) for name, value in settings.items()}
    with (folder / "gate.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=os.environ | given)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with _calls(target, [process.pid], token) as calls:
                yield calls
        finally:
            process.terminate()
            process.wait()


@contextmanager
def _calls(target: str, roots: Sequence[int], token: str) -> Iterator[Calls]:
    command = [sys.executable, "-m", "bench.caller", target, token]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Calls(roots, process)  # leaving closes its standard input, and it ends
