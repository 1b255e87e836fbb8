"""The installer of locked packages asks where pip would ask, and takes nothing whose hash is not the lock's."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tools.install import indexes

HERE, BESIDE = "https://packages.example.com/simple", "https://more.example.com/simple"


@pytest.mark.parametrize("section", ["global", "install"])
def test_uv_asks_where_pips_configuration_says(tmp_path: Path, section: str) -> None:
    """Whether it is in a file or in the environment; who tells uv itself is not overruled."""
    config = tmp_path / "pip.conf"
    config.write_text(f"[{section}]\nindex-url = {HERE}\n")
    environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": str(config)}
    assert indexes(environment) == {"UV_DEFAULT_INDEX": HERE}
    both = {"PIP_INDEX_URL": BESIDE, "PIP_EXTRA_INDEX_URL": HERE}
    assert indexes(environment | both) == {"UV_DEFAULT_INDEX": BESIDE, "UV_INDEX": HERE}
    assert indexes(environment | both | {"UV_INDEX_URL": HERE}) == {}
    assert indexes({"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}) == {}


def package(index: Path) -> str:
    """Put a package `tiny` on an index in this folder; gives its hash."""
    folder, name = index / "tiny", "tiny-1-py3-none-any.whl"
    folder.mkdir(parents=True)
    (index / "index.html").write_text('<a href="tiny/">tiny</a>')
    (folder / "index.html").write_text(f'<a href="{name}">{name}</a>')
    files = {
        "tiny.py": "",
        "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
        "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / name, "w") as wheel:
        record = ""
        for path, text in files.items():
            wheel.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{path},sha256={digest},{len(text)}\n"
        wheel.writestr("tiny-1.dist-info/RECORD", f"{record}tiny-1.dist-info/RECORD,,\n")
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.mark.parametrize(("told", "by"), [("PIP_INDEX_URL", "uv"), ("PIP_FIND_LINKS", "pip")])
def test_what_the_lock_names_is_installed_and_nothing_else(tmp_path: Path, told: str, by: str) -> None:
    """By uv; by pip where only pip knows the way; and by neither when the hash is another."""
    index, venv = tmp_path / "index", tmp_path / "venv"
    digest = package(index)
    place = index if by == "uv" else index / "tiny"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    environment |= {told: place.as_uri()} | ({} if by == "uv" else {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"})
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)

    def install(sha256: str) -> subprocess.CompletedProcess[str]:
        lock = tmp_path / "some.lock"
        lock.write_text(f"tiny==1 \\\n    --hash=sha256:{sha256}\n")
        command = [sys.executable, str(ROOT / "tools/install.py"), str(lock), str(venv / "bin/python")]
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=100)

    assert install("0" * 64).returncode != 0
    found = [str(venv / "bin/python"), "-c", "import tiny"]
    assert subprocess.run(found, check=False, capture_output=True).returncode != 0
    done = install(digest)
    assert done.returncode == 0, done.stderr
    assert ("pip does it" in done.stderr) is (by == "pip")
    assert subprocess.run(found, check=False).returncode == 0
