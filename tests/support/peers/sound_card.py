"""A sound card for a program that plays through ALSA: takes samples at the pace of a clock and keeps them as WAV.

ALSA's `file` plugin writes to a command (`asoundrc`); this module is that command:

    python sound_card.py PREFIX RATE

It makes PREFIX-1.wav, PREFIX-2.wav, ... one for each time that the program opens the card. The pipe is kept small,
since all that it holds is heard later. The plugin waits for this command when the card is closed, so what is left then
is taken at once.
"""

import fcntl
import os
import select
import shlex
import sys
import time
import wave
from pathlib import Path
from typing import BinaryIO

PIPE = 4096  # octets, the least that Linux grants: a quarter of a second at 8 kHz
PERIOD = 0.02  # seconds


def asoundrc(prefix: Path, rate: int) -> str:
    """Return the ALSA configuration for a card named `heard`."""
    command = shlex.join([sys.executable, "-I", __file__, str(prefix), str(rate)])
    return f"""\
pcm.heard {{
    type plug
    slave.pcm {{
        type file
        slave.pcm null
        file "| {command}"
        format raw
    }}
}}
"""


def _create(prefix: str) -> BinaryIO:
    number = 1
    while (path := Path(f"{prefix}-{number}.wav")).exists():
        number += 1
    return path.open("xb", buffering=0)


def main(prefix: str, rate: int) -> None:
    """Take samples of 16 bits from standard input until its end."""
    source, period = sys.stdin.fileno(), round(rate * PERIOD) * 2
    poll = select.poll()
    poll.register(source, select.POLLIN)
    # Until now nothing set the pace, and what the program has played into the pipe is older than it thinks.
    while True:
        try:
            fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, PIPE)
            break
        except OSError:
            os.read(source, PIPE)
    with _create(prefix) as file, wave.open(file, "wb") as heard:
        heard.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        heard.writeframes(b"")
        due = time.monotonic()
        while samples := os.read(source, period):
            heard.writeframesraw(samples)
            due += len(samples) / 2 / rate
            if not any(events & select.POLLHUP for _, events in poll.poll(0)):
                time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
