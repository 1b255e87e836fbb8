"""Settings of where files lie and are sent: mistakes are told at start, a line each, and no secret in any (PLT-44)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.gl_extraction.extraction.formats import CSV_HEADER
from server.outbound.files import LocalFiles
from server.outbound.s3 import S3Files
from server.outbound.stores import file_store
from server.settings import BadSettings, load
from tests.house.tree import ROOT


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def mistakes(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(f"COUNTINGHOUSE_{name}", value)
    with pytest.raises(BadSettings) as refused:
        load()
    return refused.value.lines


@pytest.mark.rule("PLT-44", "PLT-30")
@pytest.mark.parametrize(
    "url",
    ["http://bucket/x", "s3://", "s3://B", "s3://key:hunter2@bucket", "s3://bucket/../x", "s3://bucket//x", "bucket"],
)
def test_a_url_that_names_no_bucket_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """In one line that names the setting; what was given is not repeated, as it could hold a secret."""
    assert mistakes(monkeypatch, DATA_FILES_URL=url) == [
        "COUNTINGHOUSE_DATA_FILES_URL: is not s3://bucket or s3://bucket/prefix; credentials do not stand in it"
    ]


@pytest.mark.rule("PLT-44", "PLT-30", "PLT-32")
def test_every_mistake_about_files_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An endpoint with a password, one without a bucket, a transmission file that is none."""
    (line,) = mistakes(monkeypatch, DATA_FILES_ENDPOINT_URL="https://u:hunter2@host")
    assert line.startswith("COUNTINGHOUSE_DATA_FILES_ENDPOINT_URL: is not https://host or https://host:port;")
    assert "hunter2" not in line
    path = tmp_path / "destinations.toml"
    path.write_text("[[destinations]]\nname = 'a'\n")
    assert mistakes(monkeypatch, DATA_FILES_ENDPOINT_URL="https://host", TRANSMISSION_FILE=str(path)) == [
        "COUNTINGHOUSE_DATA_FILES_ENDPOINT_URL: needs COUNTINGHOUSE_DATA_FILES_URL, such as s3://bucket/prefix",
        f"{path}: [[destinations]] 1: url: must be file:///folder or sftp://user@host/folder, without a password",
    ]


@pytest.mark.rule("PLT-44", "PLT-30", "PLT-32")
def test_what_needs_an_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert mistakes(monkeypatch, DATA_FILES_URL="s3://bucket") == [
        "COUNTINGHOUSE_DATA_FILES_URL: needs the extra s3: pip install 'countinghouse-server[s3]'"
    ]


@pytest.mark.rule("PLT-30")
def test_files_lie_where_the_settings_say() -> None:
    """In a bucket when one is named, else in the folder."""
    assert isinstance(file_store(load()), LocalFiles)
    settings = load(data_files_url="s3://bucket/gl/")
    assert settings.data_files_url == "s3://bucket/gl"
    assert isinstance(file_store(settings), S3Files)


@pytest.mark.rule("GLX-17")
def test_the_header_that_is_told_is_the_one_that_is_written() -> None:
    """The page of layouts spells the CSV header out, the numbered fields apart."""
    page = (ROOT / "docs" / "reference" / "gl-files.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^messageId,.*$", page, re.MULTILINE)
    for name in ("glSegment", "attribute"):
        told = told.replace(f"{name}1,…,{name}30", ",".join(f"{name}{n}" for n in range(1, 31)))
    assert tuple(told.split(",")) == CSV_HEADER
