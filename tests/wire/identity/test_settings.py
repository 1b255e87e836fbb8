"""Settings of identity: what contradicts itself is refused, each mistake in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.settings import BadSettings, environment, load
from tests.support.process import run

Mistakes = Callable[..., list[str]]
ISSUER = {"jwt_issuer": "https://login.example.com", "jwt_audience": "countinghouse"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("COUNTINGHOUSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mistakes() -> Mistakes:
    """The lines that settings are refused with."""

    def lines(**given: object) -> list[str]:
        with pytest.raises(BadSettings) as refused:
            load(**given)
        return refused.value.lines

    return lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Any file that is there."""
    path = tmp_path / "any.pem"
    path.touch()
    return path


@pytest.mark.rule("PLT-44", "PLT-13")
def test_a_file_with_five_mistakes_is_refused_with_five_lines(tmp_path: Path) -> None:
    """At start, before anything listens; none shows a password."""
    (tmp_path / "countinghouse.toml").write_text(
        'jwt_keys_url = "http://login.example.com/keys"\n'
        'jwt_keys_file = "nosuch.json"\n'
        'jwt_algorithms = "RS256,HS256"\n'
        "jwt_leeway_s = 3600\n"
        'tls_certificat_file = "server.crt"\n'
    )
    refused = run(tmp_path, "serve")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert sorted(refused.stderr.splitlines()) == [
        "countinghouse.toml: jwt_algorithms: 'HS256' is none of RS256, PS256, ES256, EdDSA, not 'RS256,HS256'",
        "countinghouse.toml: jwt_keys_file: there is no file nosuch.json",
        "countinghouse.toml: jwt_keys_url: must begin with https://; http:// is for this machine only",
        "countinghouse.toml: jwt_leeway_s: Input should be less than or equal to 300, not 3600",
        "countinghouse.toml: tls_certificat_file: there is no such setting; tls_certificate_file is meant, perhaps",
    ]


@pytest.mark.rule("PLT-44", "PLT-13")
def test_urls_of_keys_are_encrypted_or_of_this_machine(mistakes: Mistakes) -> None:
    """And hold no credentials, which a line about them does not show either."""
    for url in ("https://login.example.com/keys", "http://127.0.0.1:8/k", "http://[::1]:8/k", "http://localhost/k"):
        assert load(jwt_keys_url=url, **ISSUER).jwt_keys_url == url
    for url in ("ftp://login.example.com/keys", "https://", "login.example.com", "https://a:b/", "file:///etc/keys"):
        (line,) = mistakes(jwt_keys_url=url, **ISSUER)
        assert "is no https URL" in line
    (line,) = mistakes(jwt_keys_url="https://user:secret@login.example.com/keys", **ISSUER)
    assert line == "--jwt-keys-url: must not hold a user or a password"


@pytest.mark.rule("PLT-44", "PLT-13")
def test_settings_of_identity_that_contradict_each_other_are_refused(mistakes: Mistakes, file: Path) -> None:
    """All at once, with what to do."""
    name = "COUNTINGHOUSE_"
    assert mistakes(
        jwt_keys_url="https://login.example.com/keys",
        jwt_keys_file=file,
        tls_key_file=file,
        uploads_max=2,
        uploads_per_caller_max=3,
    ) == [
        f"{name}UPLOADS_PER_CALLER_MAX: is above {name}UPLOADS_MAX",
        f"{name}JWT_KEYS_FILE: {name}JWT_KEYS_URL is set too; keys come from one of them",
        f"{name}JWT_ISSUER: is missing; a signed token is never taken without looking at it",
        f"{name}JWT_AUDIENCE: is missing; a signed token is never taken without looking at it",
        f"{name}TLS_CERTIFICATE_FILE: is missing; it goes with {name}TLS_KEY_FILE",
    ]
    assert mistakes(jwt_audience="a", tls_certificate_file=file, tls_client_ca_file=file) == [
        f"{name}JWT_AUDIENCE: needs {name}JWT_KEYS_URL or {name}JWT_KEYS_FILE",
        f"{name}TLS_KEY_FILE: is missing; it goes with {name}TLS_CERTIFICATE_FILE",
        f"{name}TLS_CLIENT_CA_FILE: needs {name}TOKEN_FILE, which says who holds which certificate",
    ]
    (line,) = mistakes(tls_client_ca_file=file, token_file=file)
    assert line == f"{name}TLS_CLIENT_CA_FILE: needs {name}TLS_CERTIFICATE_FILE and {name}TLS_KEY_FILE"


@pytest.mark.rule("PLT-13")
def test_a_server_that_knows_its_callers_may_listen_everywhere(mistakes: Mistakes, file: Path) -> None:
    """By a token file or by signed tokens; encryption alone is no identity."""
    everywhere = "0.0.0.0:50051"
    assert load(listen=everywhere, token_file=file).identified
    assert load(listen=everywhere, jwt_keys_file=file, **ISSUER).identified
    (line,) = mistakes(listen=everywhere, tls_certificate_file=file, tls_key_file=file)
    assert line.startswith(f"COUNTINGHOUSE_LISTEN: {everywhere} can be reached from other machines")


@pytest.mark.rule("PLT-13")
def test_half_of_the_bulk_streams_are_one_callers_unless_it_is_set() -> None:
    """One, if there is but one."""
    assert [load(uploads_max=total).uploads_per_caller for total in (1, 2, 3, 8)] == [1, 1, 2, 4]
    assert load(uploads_max=8, uploads_per_caller_max=7).uploads_per_caller == 7


def test_a_started_process_gets_the_same_identity(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Workers of one port know the same callers."""
    given = load(
        jwt_keys_file=file,
        jwt_algorithms="ES256, EdDSA",
        tls_certificate_file=file,
        tls_key_file=file,
        tls_client_ca_file=file,
        **ISSUER,
    )
    assert given.algorithms == {"ES256", "EdDSA"}
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    assert load() == given


@pytest.mark.rule("PLT-44")
def test_a_file_of_keys_without_keys_stops_the_server(tmp_path: Path) -> None:
    """Together with every mistake of the token file."""
    keys, tokens = tmp_path / "keys.json", tmp_path / "tokens.toml"
    keys.write_text('{"keys": []}')
    tokens.write_text('[[certificates]]\nname = ""\npermissions = ["fly"]\nledgers = "L1"\ntoken = "x"\n')
    refused = run(tmp_path, "serve", jwt_keys_file=keys, token_file=tokens, **ISSUER)
    assert (refused.returncode, refused.stdout) == (2, "")
    lines = refused.stderr.replace(f"{tokens}: [[certificates]] 1: ", "").splitlines()
    assert lines[:2] == ["token: there is no such setting", "name: a name is missing"]
    assert lines[2].startswith("permissions: there is no 'fly'; there are ")
    assert lines[3:] == [
        "ledgers: is no list of codes",
        f"COUNTINGHOUSE_JWT_KEYS_FILE: {keys} holds no public key for RS256, PS256, ES256, EdDSA",
    ]


@pytest.mark.rule("PLT-44", "PLT-13")
def test_certificates_that_nobody_asks_for_are_a_mistake(tmp_path: Path) -> None:
    """Their holders could never call."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text('[[certificates]]\nname = "billing"\npermissions = ["read"]\n')
    tokens.chmod(0o600)
    refused = run(tmp_path, "serve", token_file=tokens)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"{tokens}: [[certificates]] are known only where COUNTINGHOUSE_TLS_CLIENT_CA_FILE is set\n"
    )
