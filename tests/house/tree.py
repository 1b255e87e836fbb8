"""The files of the project, as the house tests read them."""

import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def tracked(*patterns: str) -> list[Path]:
    """Paths, from the root, of the files that belong to the project: tracked, or new and not ignored.

    In a tree that is no checkout, an unpacked release for example, all that is not ignored by name.
    """
    if not _in_checkout():
        return sorted(path for path in _walked(ROOT) if not patterns or _matches(path, patterns))
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and (ROOT / name).is_file()]


def is_generated(path: Path) -> bool:
    return path.stem.endswith(("_pb2", "_pb2_grpc"))


def _in_checkout() -> bool:
    return (ROOT / ".git").exists()


def _walked(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if any(fnmatch(f"{entry.name}/" if entry.is_dir() else entry.name, rule) for rule in _ignored()):
            continue
        if entry.is_dir():
            yield from _walked(entry)
        else:
            yield entry.relative_to(ROOT)


def _ignored() -> list[str]:
    rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return [".git/", *(rule.removeprefix("/") for rule in rules if rule)]


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    """As git understands patterns: a folder stands for what is in it, and * for anything."""
    return any(fnmatch(str(path), pattern) or path.is_relative_to(pattern) for pattern in patterns)
