"""The database's URL is taken in every spelling that people use, and refused in words when it is none."""

import re
from pathlib import Path

import pytest

from server.database.urls import BadDatabaseUrl, driver_arguments, masked, normalize, sqlite_path

POSTGRESQL = "postgresql+psycopg2://ada:s%40crt@db.example:5433/books?sslmode=require"


@pytest.mark.rule("PLT-40")
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgresql_is_reached_by_psycopg2_in_every_spelling(scheme: str) -> None:
    """The scheme alone is rewritten; user, password, host, name and options stay."""
    assert normalize(POSTGRESQL.replace("postgresql+psycopg2", scheme)) == POSTGRESQL


@pytest.mark.rule("PLT-40")
@pytest.mark.parametrize("spelling", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_sqlite_is_a_file_however_it_is_written(tmp_path: Path, spelling: str) -> None:
    """A path and a URL mean the same file."""
    path = tmp_path / "my books.db"
    assert sqlite_path(normalize(spelling.format(path))) == path


def test_a_relative_path_means_the_same_file_for_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made absolute once."""
    monkeypatch.chdir(tmp_path)
    url = normalize("books.db")
    monkeypatch.chdir("/")
    assert sqlite_path(url) == tmp_path / "books.db"
    assert normalize(url) == url


@pytest.mark.rule("PLT-40")
@pytest.mark.parametrize(
    ("url", "reaches"),
    [
        ("postgres://ada@%2Frun%2Fpg/books", {"host": "/run/pg", "user": "ada", "dbname": "books"}),
        ("postgresql:///books?host=/run/pg", {"host": "/run/pg", "dbname": "books"}),
        (
            "postgresql://ada:s%40%20%2Bt@one:5433,two/books?target_session_attrs=read-write",
            {
                "host": "one,two",
                "port": "5433,",
                "user": "ada",
                "password": "s@ +t",
                "dbname": "books",
                "target_session_attrs": "read-write",
            },
        ),
        ("postgresql://[::1]:5433/books", {"host": "::1", "port": 5433, "dbname": "books"}),
    ],
)
def test_the_driver_is_told_what_the_url_says(url: str, reaches: dict[str, object]) -> None:
    """Sockets, several hosts, any character in a password, any option: however often the URL is normalized."""
    assert driver_arguments(normalize(normalize(url))) == reaches


@pytest.mark.rule("PLT-44")
@pytest.mark.parametrize("url", [POSTGRESQL, "postgres://db/books?user=ada&password=s%40crt&sslpassword=s%40crt"])
def test_a_url_for_people_shows_no_password(url: str) -> None:
    """Wherever in the URL it stands."""
    shown = masked(normalize(url))
    assert "crt" not in shown
    assert "***" in shown
    assert "ada" in shown


@pytest.mark.rule("PLT-44")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://ada:secret@db/books", "no database is reached by mysql://"),
        ("postgresql+asyncpg://ada:secret@db/books", "no database is reached by postgresql+asyncpg://"),
        ("postgresql://ada:secret@db", "names no database"),
        ("postgresql://ada:secret@db:port/books", "cannot be read"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///books.db?mode=ro", "takes no options"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        (":memory:", "SQLite needs a file"),
        ("", "SQLite needs a file"),
        ("file:books.db?mode=memory", "SQLite needs a file"),
    ],
)
def test_what_is_no_database_is_refused_in_words(url: str, says: str) -> None:
    """One line that says what to write instead, without the password."""
    with pytest.raises(BadDatabaseUrl, match=re.escape(says)) as refused:
        normalize(url)
    assert "secret" not in str(refused.value)
