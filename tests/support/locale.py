"""A locale that orders text unlike "C", made on the spot: the machine may have none installed.

Keys are declared COLLATE "C". On a cluster whose default order is byte order a forgotten declaration would not show.
Here punctuation comes before digits, digits before letters, and case only breaks ties by place (a A b B …).
"""

import string
import subprocess
from pathlib import Path

NAME = "countinghouse.UTF-8"


def make_locale(folder: Path) -> None:
    """Compile the locale into `folder`, to be used as LOCPATH.

    Raises:
        RuntimeError: `localedef`, a part of the C library, is missing or refused the definition.
    """
    charmap = folder / "charmap"
    source = folder / "source"
    charmap.write_text(_charmap(), encoding="ascii")
    source.write_text(_source(), encoding="ascii")
    # Status 1 means written, with warnings: the categories left out fall back to "C".
    command = ["localedef", "--force", "-f", str(charmap), "-i", str(source), str(folder / NAME)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode > 1 or not (folder / NAME / "LC_COLLATE").exists():
        message = f"localedef could not make the locale of the test cluster: {result.stderr}"
        raise RuntimeError(message)


def _symbol(character: str) -> str:
    return f"<U{ord(character):04X}>"


def _charmap() -> str:
    lines = ["<code_set_name> UTF-8", "<mb_cur_min> 1", "<mb_cur_max> 6", "CHARMAP"]
    lines += [f"<U{code:04X}> /x{code:02x} x" for code in range(128)]
    return "\n".join(["<escape_char> /", *lines, "END CHARMAP", ""])


def _source() -> str:
    letters = [case for lower in string.ascii_lowercase for case in (lower, lower.upper())]
    others = [chr(code) for code in range(128) if chr(code) not in string.ascii_letters + string.digits]
    order = [_symbol(character) for character in (*others, *string.digits, *letters)]
    upper, lower, digit = (
        ";".join(map(_symbol, group)) for group in (string.ascii_uppercase, string.ascii_lowercase, string.digits)
    )
    return "\n".join(
        [
            "escape_char /",
            "LC_CTYPE",
            f"upper {upper}",
            f"lower {lower}",
            f"digit {digit}",
            "END LC_CTYPE",
            "LC_COLLATE",
            "order_start forward",
            *order,
            "UNDEFINED",
            "order_end",
            "END LC_COLLATE",
            "",
        ]
    )
