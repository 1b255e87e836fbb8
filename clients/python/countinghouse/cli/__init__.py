"""The command `countinghouse`."""

import gc

gc.set_threshold(50_000, 20, 20)  # else a fifth of the time to start goes into a search for garbage
