"""Packages that offer algorithms, as if they had been installed into a folder."""

from __future__ import annotations

from pathlib import Path

HEAD = """
from domain.billing.algorithms.model import AddMessage, Algorithm, CannotDecide, Parameter
from domain.billing.configuration.model import Moment

def made(code, decide):
    return Algorithm(
        code=code,
        description="Greets whoever reads the bill",
        moments=frozenset({Moment.PRE_COMPLETION}),
        of_agreements=False,
        parameters=(Parameter("name", "whom to greet", required=False),),
        decide=decide,
    )

def greet(asked):
    return [AddMessage("Hello " + asked.parameters.get("name", "you"))]

def forgetful(asked):
    return [AddMessage(asked.parameters["missing"])]
"""


def install(folder: Path, source: str, name: str = "acme") -> Path:
    """A package whose entry point `greetings` is `offered` of this source; gives what to add to Python's path."""
    site = folder / "site"
    (site / name).mkdir(parents=True)
    (site / name / "__init__.py").write_text(HEAD + source, encoding="utf-8")
    about = site / f"{name}-1.5.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        f"[countinghouse.billing.algorithms]\ngreetings = {name}:offered\n", encoding="utf-8"
    )
    return site


_POINTS = """
from domain.invoicing.batches.hooks import GO_ON, Hookpoint


def breaks(asked):
    raise RuntimeError("a secret")


offered = (Hookpoint("always", "Lets any batch go on", lambda asked: GO_ON), Hookpoint("breaks", "Breaks off", breaks))
"""


def install_hookpoints(folder: Path, source: str = _POINTS, name: str = "acme_points") -> Path:
    """A package whose entry point `offered` has the hookpoints of this source; gives what to add to Python's path."""
    site = folder / "points"
    (site / name).mkdir(parents=True)
    (site / name / "__init__.py").write_text(source, encoding="utf-8")
    about = site / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-points\nVersion: 1.0\n", encoding="utf-8")
    entry = f"[countinghouse.invoicing.hookpoints]\noffered = {name}:offered\n"
    (about / "entry_points.txt").write_text(entry, encoding="utf-8")
    return site
