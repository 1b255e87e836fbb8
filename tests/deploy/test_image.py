"""The image: its recipe is sound, and what it copies is all that the package is built of."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from server.settings import PREFIX, Settings
from tests.deploy.programs import DEPLOY, program, said
from tests.house.tree import ROOT

RECIPE = DEPLOY / "docker" / "Dockerfile"
COMPOSE = DEPLOY / "compose"


def test_the_recipe_is_sound() -> None:
    """By the rules of hadolint, all of them."""
    said(program("hadolint"), "--failure-threshold", "style", str(RECIPE))


def test_what_it_copies_is_there_and_let_through() -> None:
    """Each path of the tree that a COPY names is also in the list of what the builder sees."""
    text = RECIPE.read_text(encoding="utf-8")
    copied = [path for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for path in line.split()[:-1]]
    seen = RECIPE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "**" in seen
    for path in copied:
        assert Path(ROOT, path).exists(), path
        assert f"!{path}" in seen, path


def test_what_is_locked_for_it_is_what_is_tested() -> None:
    """The image has every extra, in the versions that the tests have."""
    image, tested = (_versions(name) for name in ("image.lock", "dev.lock"))
    assert {"s3fs", "paramiko", "opentelemetry-sdk"} <= image.keys()
    assert image.items() <= tested.items()
    assert _versions("runtime.lock").items() <= image.items()


def test_it_is_nobodys_root() -> None:
    """The last user is one without rights, by number, so that a cluster can tell."""
    text = RECIPE.read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert (
        'HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["countinghouse", "health"]' in text
    )


def test_the_composition_names_settings_and_files_that_there_are(tmp_path: Path) -> None:
    """Every setting is the server's, every file that is mounted is in the tree, every secret is made by the script."""
    composed = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    others = {f"{PREFIX}CONFIG", f"{PREFIX}CLIENT_TOKEN_FILE"}
    services = composed["services"]
    for name in ("migrate", "server-a", "server-b", "worker"):
        assert services[name]["environment"].keys() <= known | others
        assert services[name]["cap_drop"] == ["ALL"]
    mounted = [each for one in services.values() for each in one.get("volumes", []) if each.startswith(".")]
    for each in mounted:
        path = COMPOSE / each.split(":")[0]
        assert path.exists() or path.name == "countinghouse.binpb", path  # `make descriptors` makes that one
    used = {each for one in services.values() for each in one.get("secrets", [])}
    assert used == composed["secrets"].keys()
    made = _secrets(tmp_path)
    assert {Path(each["file"]).name for each in composed["secrets"].values()} == {path.name for path in made.iterdir()}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The token is the one whose hash is in the token file; a second time nothing is changed."""
    from hashlib import sha256

    made = _secrets(tmp_path)
    token = (made / "operator.token").read_text()
    assert sha256(token.encode()).hexdigest() in (made / "tokens.toml").read_text()
    assert (made / "database.password").read_text() in (made / "countinghouse.toml").read_text()
    again = subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=False, capture_output=True)
    assert again.returncode == 1
    assert (made / "operator.token").read_text() == token


def _secrets(folder: Path) -> Path:
    script = folder / "secrets.sh"
    script.write_bytes((COMPOSE / "secrets.sh").read_bytes())
    said("sh", str(script))
    return folder / "secrets"


def _versions(lock: str) -> dict[str, str]:
    text = Path(ROOT, "requirements", lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))
