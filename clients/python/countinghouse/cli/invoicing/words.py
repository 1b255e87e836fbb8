"""How things of invoicing are written on the command line, and shown."""


def examples(*lines: str) -> str:
    """What stands below the help of a command."""
    return "\b\n" + "\n".join(["Examples:", *(f"  countinghouse invoicing {line}" for line in lines)])
