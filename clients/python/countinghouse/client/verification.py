"""Whether a data file set is whole: its chain of manifests, and the files that they name (GLX-18, INV-15, PLT-31)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countinghouse.operations.v1.data_files_pb2 import DataFile, DataFileSet

ROUNDS_MAX = 5
"""How often a set is listed anew because it gained files meanwhile."""

_FORMATS = {"countinghouse-gl-manifest-1", "countinghouse-gl-manifest-2", "countinghouse-invoice-manifest-1"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        file: The file's name within the set; empty for the set as a whole.
        problem: DAMAGED, CHANGED, MISSING, REORDERED, STRAY, UNREADABLE or CHAIN_BROKEN.
        description: A sentence for people.
    """

    file: str
    problem: str
    description: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification has looked at, and what it found; sound when it found nothing."""

    file_count: int
    manifest_count: int
    size_bytes: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(slots=True)
class Verification:
    """Collects what the files of a set hold, and judges it at the end; holds one manifest's facts a run."""

    data_file_set: DataFileSet
    files: Sequence[DataFile]
    _manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def take(self, file: DataFile, path: Path) -> None:
        """A file of the set was fetched to `path`, and is what its record says."""
        if file.manifest:
            try:
                manifest = json.loads(path.read_bytes())
                _check_shape(manifest)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._find(_last(file), "UNREADABLE", f"is not a manifest that is known: {error}")
            else:
                self._manifests[_last(file)] = manifest

    def damaged(self, file: DataFile) -> None:
        """A file of the set is not what its record says."""
        self._find(_last(file), "DAMAGED", "what is stored is not what was written")

    def judge(self) -> Verified:
        """What was found, files in their order."""
        names = [_last(file) for file in self.files]
        self._judge_chain([name for name in names if name in self._manifests])
        named: set[str] = set()
        for name, manifest in self._manifests.items():
            named |= {entry["name"] for entry in manifest["files"]}
            self._judge_files(name, manifest)
        for file in self.files:
            if not file.manifest and _last(file) not in named:
                self._find(_last(file), "STRAY", "is named by no manifest of the set")
        if self.data_file_set.file_count != len(self.files):
            told = f"holds {len(self.files)} files where {self.data_file_set.file_count} were written"
            self._find("", "MISSING", told)
        place = {name: at for at, name in enumerate(names)}
        return Verified(
            file_count=len(self.files),
            manifest_count=sum(file.manifest for file in self.files),
            size_bytes=sum(file.size_bytes for file in self.files),
            findings=tuple(sorted(self._findings, key=lambda each: place.get(each.file, -1))),
        )

    def _judge_chain(self, listed: Sequence[str]) -> None:
        """Numbers follow on each other in the order of the set, and each manifest carries the hash of the last."""
        hashes = {_last(file): file.sha256 for file in self.files}
        unchained = [name for name in listed if "manifestNumber" not in self._manifests[name]]  # by older releases
        chained = [name for name in listed if "manifestNumber" in self._manifests[name]]
        in_order = sorted(chained, key=lambda name: int(self._manifests[name]["manifestNumber"]))
        if in_order != chained:
            self._find("", "REORDERED", "its manifests are listed in another order than they were written")
        number, before = self._beginning(in_order[:1], {hashes[name] for name in unchained})
        for name in in_order:
            manifest = self._manifests[name]
            number += 1
            if manifest["manifestNumber"] != number:
                told = f"is manifest {manifest['manifestNumber']} where manifest {number} is due"
                self._find(name, "CHAIN_BROKEN", told)
            elif manifest.get("previousManifestSha256", "") != before:
                self._find(name, "CHAIN_BROKEN", f"does not carry the hash of manifest {number - 1}")
            number, before = manifest["manifestNumber"], hashes[name]
        if unchained and not in_order:
            return
        end = (self.data_file_set.manifest_count, self.data_file_set.manifest_sha256)
        if (number, before) != end:
            told = f"its chain ends with manifest {number}, and not with manifest {end[0]} as it was written"
            self._find("", "CHAIN_BROKEN", told)

    def _beginning(self, first: Sequence[str], unchained: set[str]) -> tuple[int, str]:
        """What comes before the first manifest of the chain: nothing, or one of a release that did not chain."""
        for name in first:
            manifest = self._manifests[name]
            previous = manifest.get("previousManifestSha256", "")
            if previous in unchained:
                return int(manifest["manifestNumber"]) - 1, previous
        return 0, ""

    def _judge_files(self, manifest_name: str, manifest: dict[str, Any]) -> None:
        """Each file that a manifest names is there, in that order, with that size and hash."""
        (operation,) = {file.operation for file in self.files if _last(file) == manifest_name}
        there = {_last(file): file for file in self.files}
        listed = [_last(file) for file in self.files if file.operation == operation and not file.manifest]
        wanted = [entry["name"] for entry in manifest["files"]]
        for entry in manifest["files"]:
            found = there.get(entry["name"])
            if found is None:
                self._find(entry["name"], "MISSING", f"is named by {manifest_name} and not there")
            elif (found.sha256, found.size_bytes) != (entry["sha256"], entry["sizeBytes"]):
                self._find(entry["name"], "CHANGED", f"is not the file that {manifest_name} names")
        if [name for name in listed if name in wanted] != [name for name in wanted if name in listed]:
            self._find(manifest_name, "REORDERED", "names its files in another order than they are listed")

    def _find(self, file: str, problem: str, description: str) -> None:
        self._findings.append(Finding(file, problem, description))


def _check_shape(manifest: dict[str, Any]) -> None:
    if manifest["format"] not in _FORMATS:
        raise ValueError(f"its format is {manifest['format']!r}")
    if not all({"name", "sha256", "sizeBytes"} <= entry.keys() for entry in manifest["files"]):
        raise ValueError("it names files without their size or hash")


def _last(file: DataFile) -> str:
    return file.name.rpartition("/")[2]
