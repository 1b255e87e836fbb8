"""Generate the Python code of the contract: `make protos`; with `--check`, say what is not up to date.

Runs in an environment of its own with the oldest generator that we support (requirements/protoc.lock), for grpcio and
protobuf refuse code made by a generator newer than themselves. Hand-written modules live beside the generated ones, so
only files with a generated name are ever removed.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
VENDORED = ROOT / "third_party" / "protos"
CLIENT = Path("clients/python")  # both relative to the root
TYPINGS = Path("typings")
GENERATED_NAMES = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def main() -> int:
    """Write or compare the generated code; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file is not up to date")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        _generate(fresh)
        wanted = {path.relative_to(fresh) for path in fresh.rglob("*.py*") if path.is_file()}
        stale = {path for path in wanted if not _same(fresh / path, ROOT / path)}
        surplus = _generated_in_tree() - wanted
        if check:
            for path in sorted(stale | surplus):
                print(f"not up to date, run make protos: {path}")
            return 1 if stale | surplus else 0
        for path in surplus:
            (ROOT / path).unlink()
        for path in stale:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, ROOT / path)
        print(f"{len(wanted)} generated files, {len(stale)} written, {len(surplus)} removed")
    return 0


def _generate(out: Path) -> None:
    """Fill `out` with every generated file, laid out as in the repository."""
    client, typings = out / CLIENT, out / TYPINGS
    client.mkdir(parents=True)
    typings.mkdir(parents=True)
    own = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    google = sorted(str(path.relative_to(VENDORED)) for path in VENDORED.glob("google/**/*.proto"))
    outputs = [f"--{kind}_out={client}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    _protoc(*outputs, *own)
    _protoc(f"--python_out={client}", f"--mypy_out={client}", "buf/validate/validate.proto")
    # googleapis-common-protos ships the code of google.* but not all of its types.
    _protoc(f"--mypy_out={typings}", *google)
    _protoc(f"--mypy_grpc_out={typings}", "google/longrunning/operations.proto")
    _make_packages(client)


def _protoc(*arguments: str) -> None:
    if not any(argument.endswith(".proto") for argument in arguments):
        return
    scripts = Path(sys.executable).parent
    plugins = [f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    with as_file(files("grpc_tools") / "_proto") as well_known:
        includes = [f"-I{folder}" for folder in (PROTOS, VENDORED, well_known) if folder.exists()]
        command = [sys.executable, "-m", "grpc_tools.protoc", *plugins, *includes, *arguments]
        # The mypy plugins tell on stderr of each file that they write.
        result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)


def _make_packages(client: Path) -> None:
    """Add the `__init__.py` that protoc does not write; `buf` stays a namespace, shared with other packages."""
    for folder in client.rglob("*"):
        if folder.is_dir() and folder not in (client / "buf", client / "countinghouse"):
            (folder / "__init__.py").touch()


def _same(fresh: Path, existing: Path) -> bool:
    """Tell whether `existing` needs no writing; an `__init__.py` may have been filled by hand."""
    return existing.exists() and (fresh.name == "__init__.py" or filecmp.cmp(fresh, existing, shallow=False))


def _generated_in_tree() -> set[Path]:
    return {
        path.relative_to(ROOT)
        for folder in (CLIENT, TYPINGS)
        for name in GENERATED_NAMES
        for path in (ROOT / folder).rglob(name)
    }


if __name__ == "__main__":
    sys.exit(main())
