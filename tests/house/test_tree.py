"""Rules about files that no linter knows."""

import re
import tomllib

import pytest

from tests.house import tree
from tests.house.tree import ROOT, is_generated, tracked

# Written in pieces, so that this file does not find itself.
REGISTRY = re.compile(rf"(pypi\.{'org'}|pythonhosted\.{'org'}|registry\.npmjs\.{'org'}|index-{'url'}[ =]+\S*:)")
MACHINE = re.compile(r"(?<![\w.~}/-])/(home|root|work|Users|opt|tmp/[a-z]+)/[a-z]")
VENDORED = "third_party"


def _offences(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in tracked():
        if path.parts[0] == VENDORED or is_generated(path):
            continue
        try:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # not text
        found += [f"{path}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    return found


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    """The tree builds anywhere, from whichever registry its user has."""
    assert _offences(REGISTRY) == []
    assert _offences(MACHINE) == []


def test_the_patterns_find_what_they_are_for() -> None:
    """A check that finds nothing must be able to find something."""
    assert REGISTRY.search("url = 'https://files.pythonhosted" + ".org/x'")
    assert MACHINE.search("cd /ho" + "me/somebody/project")
    assert not MACHINE.search("clients/python/work/x and https://example.com/home/x")


@pytest.mark.parametrize("patterns", [(), ("*.py",), ("domain", "server/*.py"), ("*__init__.py",)])
def test_a_tree_without_git_has_the_same_files(monkeypatch: pytest.MonkeyPatch, patterns: tuple[str, ...]) -> None:
    """An unpacked release is tested as a checkout is."""
    in_checkout = set(tracked(*patterns))
    monkeypatch.setattr(tree, "_in_checkout", lambda: False)
    assert set(tracked(*patterns)) == in_checkout


def test_every_folder_with_python_is_a_package() -> None:
    """Without its __init__.py a folder is missing from the wheel and from the layer contracts."""
    folders = {path.parent for path in tracked("*.py") if path.parts[0] != "examples"}
    folders -= {path for path in folders if path.parts[-1:] == ("buf",)}
    packages = {path.parent for path in tracked("*__init__.py")}
    assert sorted(map(str, folders - packages)) == []
    assert not (ROOT / "clients/python/buf/__init__.py").exists(), "buf is a namespace that other packages share"


def test_both_distributions_have_one_version() -> None:
    """The server asks for the client of its own version, so all three figures agree."""
    server, client = (
        tomllib.loads((ROOT / name).read_text(encoding="utf-8"))["project"]
        for name in ("pyproject.toml", "clients/python/pyproject.toml")
    )
    assert server["version"] == client["version"]
    assert f"countinghouse-client[cli]=={client['version']}" in server["dependencies"]
