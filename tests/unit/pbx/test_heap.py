"""Large blocks are given back to the system, however many of them came before."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MEASURE = """
import ctypes, sys
from pbx.heap import keep_large_blocks_apart

class Mallinfo(ctypes.Structure):  # malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo
if "told" in sys.argv:
    keep_large_blocks_apart()
heap = libc.mallinfo2().arena
kept = []
table = bytes(1 << 20)
for _ in range(20):
    # A table is made anew before the old one goes, and what comes meanwhile stays.
    larger = bytes(1 << 20)
    table = larger
    kept.append(bytes(2000))
print(libc.mallinfo2().arena - heap)
"""


def heap_growth(*arguments: str) -> int:
    """Octets by which the heap of a process grows while a table of a megabyte is made anew again and again."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="a C library without mallinfo2")
def test_the_heap_does_not_grow_by_tables_that_are_made_anew() -> None:
    assert heap_growth() > 1 << 20  # else this test shows nothing here
    assert heap_growth("told") < 1 << 20
