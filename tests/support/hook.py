"""A sample hook in a thread of the test's process, and files of hooks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from server.simulator.sample_hook import serving

_START_S = 20

ALGORITHMS = """
[[hooks.algorithms]]
code = "loyalty-discount"
description = "Takes a percentage off the bill"
of = "customer_classes"
moments = ["PRE_COMPLETION"]

[[hooks.algorithms.parameters]]
name = "percent"
description = "how many hundredths of the bill"

[[hooks.algorithms.parameters]]
name = "distribution_code"
description = "what the discount is posted as"
is_code = true

[[hooks.algorithms]]
code = "supply-note"
description = "Prints what was used"
of = "service_agreement_types"
moments = ["PRE_COMPLETION", "COMPLETION"]

[[hooks.algorithms.parameters]]
name = "text"
description = "what is printed before it"
required = false

[[hooks.algorithms]]
code = "weekend-factor"
description = "The source, at weekends times a factor"
of = "profile_types"

[[hooks.algorithms.parameters]]
name = "factor"
description = "what it is multiplied by"
"""


def hooks_file(folder: Path, target: str, **more: str) -> Path:
    """A file with one hook in clear that serves the sample's algorithms; `more` are values as TOML writes them.

    So are its `hookpoints`.
    """
    head = {"name": '"sample"', "target": f'"{target}"', "tls": "false", **more}
    path = folder / "hooks.toml"
    path.write_text(
        "[[hooks]]\n" + "".join(f"{name} = {value}\n" for name, value in head.items()) + ALGORITHMS, encoding="utf-8"
    )
    return path


@contextmanager
def hooking() -> Iterator[str]:
    """Serve the sample for a while; gives where."""
    ready: SimpleQueue[int | BaseException] = SimpleQueue()
    ended = threading.Event()

    async def serve() -> None:
        try:
            async with serving("127.0.0.1:0") as port:
                ready.put(port)
                await asyncio.to_thread(ended.wait)
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    port = ready.get(timeout=_START_S)
    if isinstance(port, BaseException):
        raise port
    try:
        yield f"127.0.0.1:{port}"
    finally:
        ended.set()
        thread.join(_START_S)
        assert not thread.is_alive()
