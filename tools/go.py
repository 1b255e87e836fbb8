"""Generate the Go client's code of the contract: `python -m tools.go`.

With `--check`, say whether it is up to date: by hashes, so that no Go is needed. Without Go there is nothing to
generate with: that is told, and no failure.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "clients" / "go"
GENERATED = "*pb/*.pb.go"
STATED = CLIENT / "generated.sha256"
"""Of what the code was made from, and of the code."""

_PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/local/go/bin"  # Go's usual place


def missing() -> str:
    """What the client needs and this machine has not; empty when it has all."""
    return "" if shutil.which("go", path=_PATH) else "go"


def run(*command: str, cwd: Path = CLIENT) -> None:
    """Run a command. Raises: SystemExit with what it said when it fails."""
    environment = {**os.environ, "PATH": _PATH}
    program = shutil.which(command[0], path=_PATH) or command[0]
    result = subprocess.run(
        [program, *command[1:]], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


def up_to_date() -> bool:
    """Whether the code is what was made from the contract as it stands."""
    return STATED.exists() and STATED.read_text(encoding="utf-8") == _statement()


def main() -> int:
    """Write the generated code, or say whether it is up to date; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when the code is not up to date")
    check = parser.parse_args().check
    if up_to_date():
        return 0
    if check:
        print(f"not up to date, run make protos: {CLIENT.relative_to(ROOT)}/{GENERATED}")
        return 1
    if lacking := missing():
        print(f"the Go client is left alone: there is no {lacking}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        run("buf", "generate", "--template", str(CLIENT / "buf.gen.yaml"), "--output", folder, cwd=ROOT)
        for path in CLIENT.glob(GENERATED):
            path.unlink()
        shutil.copytree(folder, CLIENT, dirs_exist_ok=True)
    STATED.write_text(_statement(), encoding="utf-8")
    return 0


def _statement() -> str:
    made_from = [*ROOT.glob("protos/**/*.proto"), *ROOT.glob("third_party/protos/**/*.proto")]
    made_from += [CLIENT / "buf.gen.yaml", CLIENT / "go.mod"]
    return f"{_hash(made_from)}  contract\n{_hash(CLIENT.glob(GENERATED))}  code\n"


def _hash(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content}  {path.relative_to(ROOT).as_posix()}\n".encode())
    return whole.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
