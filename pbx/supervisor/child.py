"""What a process does about the one that started it: report how it stands, and not outlive it."""

import contextlib
import os
import signal
import socket
import sys
import threading

READY_FD = "GORIZONT_READY_FD"
LIFELINE_FD = "GORIZONT_LIFELINE_FD"
READY = b"READY\n"
CLOSING_SECONDS = 10.0  # what a process may need to close up, when nothing is waited for any more


def report_ready() -> None:
    """Says that this process does its work now: to the supervisor, or to systemd where it is a unit of its own.

    Says nothing where nobody asked for it.
    """
    descriptor = os.environ.pop(READY_FD, "")
    if descriptor:
        with contextlib.suppress(OSError):  # the supervisor is gone
            os.write(int(descriptor), READY)
            os.close(int(descriptor))
    notify_systemd("READY=1")


def report_stopping(seconds: float) -> None:
    """Says to systemd that this process stops, and may wait so many seconds for calls to end.

    The time is the organisation's own setting: it counts even where the unit's TimeoutStopSec is shorter.
    """
    notify_systemd(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={round((seconds + CLOSING_SECONDS) * 1e6)}")


def notify_systemd(state: str) -> None:
    """Tells systemd how it stands (`sd_notify(3)`), if it started this process and wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.sendto(state.encode(), address)


def die_with_supervisor() -> None:
    """Makes this process end when the supervisor does, however that ends.

    On Linux the supervisor has arranged it with the kernel before this program began. Elsewhere a thread
    waits for the end of a pipe whose other end only the supervisor holds.
    """
    descriptor = os.environ.pop(LIFELINE_FD, "")
    if descriptor and sys.platform != "linux":
        hold_lifeline(int(descriptor))


def hold_lifeline(descriptor: int) -> None:
    """Kills this process once the other end of the pipe is closed."""

    def hold() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=hold, name="lifeline", daemon=True).start()
