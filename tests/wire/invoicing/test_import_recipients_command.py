"""`countinghouse invoicing import-recipients`: a file of recipients."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.client.command import run
from tests.support.server import Served
from tests.wire.invoicing.desk import Desk
from tests.wire.invoicing.test_recipients import get

HEADING = (
    "account_id,name,street,postal_code,city,country_code,vat_id,electronic_address,electronic_address_scheme,reference"
)
BAKER = 'A-1,"Bäckerei Meier, Sohn",Ringstraße 2,12345,Musterstadt,DE,DE123456789,buero@meier.example,EM,ROUTE-1'
SMITH = "A-2,Smith Ltd,1 High St,EC1,London,GB,,,,"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "recipients.csv"
    path.write_text("\n".join((HEADING, *lines, "")), encoding="utf-8")
    return path


@pytest.mark.rule("INV-15")
def test_a_file_is_taken_in_and_again_changes_nothing(books: Served, desk: Desk, tmp_path: Path) -> None:
    """What differs is changed the next time, also from a packed file."""
    path = written(tmp_path, BAKER, SMITH)
    done = run(books.target, "invoicing", "import-recipients", str(path))
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()[2:]] == [
        ["recipients", "read", "2"],
        ["created", "2"],
        ["changed", "0"],
        ["there", "already", "0"],
        ["refused", "0"],
    ]
    found = get(desk)
    assert (found.party.name, found.party.address.street) == ("Bäckerei Meier, Sohn", "Ringstraße 2")
    assert (found.party.electronic_address_scheme, found.reference) == ("EM", "ROUTE-1")
    packed = tmp_path / "recipients.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes().replace(b"Smith", b"Smythe")))
    again = run(books.target, "invoicing", "import-recipients", str(packed), "-o", "json")
    told = json.loads(again.stdout)
    assert (told["createdCount"], told["changedCount"], told["unchangedCount"]) == (0, 1, 1)
    assert get(desk, "A-2").party.name == "Smythe Ltd"


@pytest.mark.rule("INV-15", "PLT-07")
def test_bad_lines_are_refused_alone_with_their_reasons(books: Served, desk: Desk, tmp_path: Path) -> None:
    """On the screen and in the report; the rest is taken."""
    path = written(tmp_path, SMITH.replace("GB", "UK"), "A-3,too few", BAKER, SMITH.replace("A-2", "a b"))
    report = tmp_path / "refused.csv"
    done = run(books.target, "invoicing", "import-recipients", str(path), "--report", str(report))
    assert done.exit_code == 9, done.output
    for expected in (
        "line 2, record 1 (by the server): recipient.party.address.country_code: ",
        "line 3, record 2: the record has 2 values, the heading 10 columns [COLUMN_COUNT]",
        "line 5, record 4 (by the server): account_id: ",
    ):
        assert expected in done.stdout, done.stdout
    assert len(report.read_text(encoding="utf-8").splitlines()) == 4
    assert get(desk).reference == "ROUTE-1"


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("account_id,name", "has no column 'country_code'"),
        ("account_id,name,country_code,colour", "columns that are not known: 'colour'"),
    ],
)
def test_a_file_of_other_columns_is_refused_whole(books: Served, tmp_path: Path, heading: str, told: str) -> None:
    """Before anything is sent."""
    path = tmp_path / "recipients.csv"
    path.write_text(f"{heading}\n", encoding="utf-8")
    done = run(books.target, "invoicing", "import-recipients", str(path))
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())
