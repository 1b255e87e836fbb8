"""What Python compiles is kept, also where the environment has it keep nothing.

A run starts hundreds of processes. Without what an earlier one compiled, each compiles all of our sources again, which
is half of what starting one costs.
"""

import os
import sys
from pathlib import Path

_KEEP_NOTHING = "PYTHONDONTWRITEBYTECODE"


def keep_bytecode(folder: Path) -> None:
    """Have this process and those it starts keep bytecode in `folder`, if they would keep none."""
    if os.environ.pop(_KEEP_NOTHING, ""):
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False
