"""A cable between phones and a server that can be cut: passes TCP connections on, until it is told to close them."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Cable:
    """Listens on a port of 127.0.0.1 and connects whoever comes with the server.

    Args:
        server: `host:port`.

    Attributes:
        address: `host:port` for the phones.
    """

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._server = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="cable", daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()  # nobody is connected any more after that
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()

    def cut(self) -> None:
        """Ends all connections; those who come after that are connected again."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:  # it is gone, and phones go on trying
                phone.close()
                continue
            with self._lock:
                self._ends += [phone, server]
            for source, target in ((phone, server), (server, phone)):
                thread = threading.Thread(target=_pass_on, args=(source, target), name="cable", daemon=True)
                self._threads.append(thread)
                thread.start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Passes octets one way until that way is closed, and closes it at the other end."""
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
    source.close()
