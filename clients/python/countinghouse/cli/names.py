"""Resource names, written in full or by their last part alone."""


def full(collection: str, name: str) -> str:
    """`7` or `extractionBatches/7` as `extractionBatches/7`."""
    return name if "/" in name else f"{collection}/{name}"


def last(name: str) -> str:
    """The last part of a resource name: `7` of `extractionBatches/7`."""
    return name.rpartition("/")[2]


def period(ledger: str, code: str) -> str:
    """The name of an accounting period."""
    return f"{full('ledgers', ledger)}/accountingPeriods/{code}"


def file(name: str) -> str:
    """`SET/FILE` or `dataFileSets/SET/files/FILE` as the latter."""
    parts = name.split("/")
    return f"dataFileSets/{parts[0]}/files/{parts[1]}" if len(parts) == 2 else name  # noqa: PLR2004 - set and file
