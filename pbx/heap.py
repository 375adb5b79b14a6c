"""What the C library's heap is told, so that it does not grow with the hours.

Tables of transactions and calls hold thousands of entries that come and go, and Python makes such a table anew
every few thousand entries, a megabyte at a time. glibc takes a block of that size from the kernel and gives it back,
but each one that is freed makes it take larger and larger ones from the heap, where what is alive for half a minute
comes to lie between them: there a quarter of the heap lay idle in the end. Naming the limit keeps it where it is.
"""

import ctypes
import sys
from contextlib import suppress

# Linux with glibc, malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

LARGE = 128 << 10  # octets from which a block has pages of its own; what glibc begins with
SPARE = 4 << 20  # octets that may stay free at the heap's end: a heap that shrinks and grows costs system calls


def keep_large_blocks_apart() -> None:
    """To be called when a process starts. Another C library than glibc has no such limits, and goes on as it is."""
    if sys.platform != "linux":
        return
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, LARGE)
        mallopt(_M_TRIM_THRESHOLD, SPARE)
