"""Generate the TypeScript client's code of the contract and check its types: `python -m tools.typescript`.

With `--check`, say what is not up to date. Without Node there is nothing to run it with: that is told, and no failure.
"""

from __future__ import annotations

import argparse
import fcntl
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "clients" / "typescript"
GENERATED = CLIENT / "src" / "gen"
NEEDED = ("node", "npm")


def missing() -> str:
    """What the client needs and this machine has not; empty when it has all."""
    return ", ".join(program for program in NEEDED if shutil.which(program) is None)


def install() -> None:
    """Install exactly the locked packages, when that was not done since the lock changed."""
    lock, done = CLIENT / "package-lock.json", CLIENT / "node_modules" / ".installed"
    with lock.open() as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != lock.read_bytes():
            run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
            shutil.copyfile(lock, done)


def run(*command: str) -> None:
    """Run a command in the client's folder. Raises: SystemExit with what it said when it fails."""
    result = subprocess.run(command, cwd=CLIENT, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


def main() -> int:
    """Write or compare the generated code, and check the types; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file is not up to date")
    check = parser.parse_args().check
    if lacking := missing():
        print(f"the TypeScript client is left alone: there is no {lacking}")
        return 0
    install()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        _generate(fresh)
        stale = _differing(fresh)
        if stale and check:
            for path in stale:
                print(f"not up to date, run make protos: {(GENERATED / path).relative_to(ROOT)}")
            return 1
        if stale:
            shutil.rmtree(GENERATED, ignore_errors=True)
            shutil.copytree(fresh, GENERATED)
    run("npm", "run", "--silent", "check")
    return 0


def _generate(out: Path) -> None:
    buf = shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"
    command = [buf, "generate", "--template", str(CLIENT / "buf.gen.yaml"), "--output", str(out)]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)


def _differing(fresh: Path) -> list[Path]:
    names = {path.relative_to(side) for side in (fresh, GENERATED) for path in side.rglob("*.ts")}
    return sorted(name for name in names if not _same(fresh / name, GENERATED / name))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
