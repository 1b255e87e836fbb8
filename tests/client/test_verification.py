"""What a verification concludes from a set's records and manifests, however they came about."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from countinghouse.client.verification import Verification
from countinghouse.operations.v1.data_files_pb2 import DataFile, DataFileSet


def sha256(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class Case:
    """A set as its records tell it, and what its files hold."""

    def __init__(self) -> None:
        self.files: list[DataFile] = []
        self.manifests: dict[str, dict[str, Any]] = {}

    def run(self, number: int, *, chained: int = 0, previous: str = "") -> None:
        """A run of one file; `chained` is the manifest's number, 0 for one of the release that did not chain."""
        name, manifest_name = f"messages-{number}.json", f"manifest-{number}.json"
        manifest: dict[str, Any] = {"format": f"countinghouse-gl-manifest-{2 if chained else 1}"}
        manifest |= {"manifestNumber": chained} if chained else {}
        manifest |= {"previousManifestSha256": sha256(previous)} if previous else {}
        manifest["files"] = [{"name": name, "sha256": sha256(name), "sizeBytes": 10}]
        self.manifests[manifest_name] = manifest
        for each in (name, manifest_name):
            self.files.append(
                DataFile(
                    name=f"dataFileSets/S1/files/{each}",
                    size_bytes=10,
                    sha256=sha256(each),
                    manifest=each == manifest_name,
                    operation=f"operations/op{number}",
                )
            )

    def found(self, tmp_path: Path, *, count: int, last: str) -> list[tuple[str, str]]:
        """The findings, when the set says that its chain has so many manifests and ends with that one."""
        told = DataFileSet(
            code="S1", file_count=len(self.files), manifest_count=count, manifest_sha256=sha256(last) if last else ""
        )
        verification = Verification(told, self.files)
        for file in self.files:
            name = file.name.rpartition("/")[2]
            path = tmp_path / "file"
            path.write_text(json.dumps(self.manifests.get(name, {})))
            verification.take(file, path)
        return [(each.file, each.problem) for each in verification.judge().findings]


@pytest.mark.rule("GLX-18")
def test_a_chain_without_a_gap_is_sound(tmp_path: Path) -> None:
    """Of one run, or of more."""
    case = Case()
    case.run(1, chained=1)
    assert case.found(tmp_path, count=1, last="manifest-1.json") == []
    case.run(2, chained=2, previous="manifest-1.json")
    assert case.found(tmp_path, count=2, last="manifest-2.json") == []
    assert case.found(tmp_path, count=3, last="manifest-3.json") == [("", "CHAIN_BROKEN")]


@pytest.mark.rule("GLX-18", "PLT-40")
def test_manifests_of_the_release_before_come_before_the_chain(tmp_path: Path) -> None:
    """Alone, and with a chain that goes on from the last of them; another beginning is a break."""
    case = Case()
    case.run(1)
    case.run(2)
    assert case.found(tmp_path, count=2, last="manifest-2.json") == []
    case.run(3, chained=3, previous="manifest-2.json")
    assert case.found(tmp_path, count=3, last="manifest-3.json") == []
    broken = Case()
    broken.run(1)
    broken.run(2, chained=2, previous="manifest-of-somebody.json")
    assert ("manifest-2.json", "CHAIN_BROKEN") in broken.found(tmp_path, count=2, last="manifest-2.json")


@pytest.mark.rule("GLX-18")
def test_a_set_of_which_nothing_is_left_is_not_sound(tmp_path: Path) -> None:
    """Its own row tells that it had manifests."""
    assert Case().found(tmp_path, count=2, last="manifest-2.json") == [("", "CHAIN_BROKEN")]
    assert Case().found(tmp_path, count=0, last="") == []


@pytest.mark.rule("GLX-18")
def test_manifests_that_changed_places_and_ones_that_are_none_show(tmp_path: Path) -> None:
    """Each by its problem."""
    case = Case()
    case.run(2, chained=2, previous="manifest-1.json")
    case.run(1, chained=1)
    assert ("", "REORDERED") in case.found(tmp_path, count=2, last="manifest-2.json")
    case.manifests["manifest-1.json"] = {"format": "something else", "files": []}
    assert ("manifest-1.json", "UNREADABLE") in case.found(tmp_path, count=2, last="manifest-2.json")
