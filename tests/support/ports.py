"""Ports for servers that run side by side."""

import os
import random
import socket

BLOCK = 200
# Below the range from which the kernel takes ports by itself (Linux: from 32768 on).
LOWEST, HIGHEST = 10_000, 30_000

_chosen = random.Random(os.getpid())


def media_ports() -> str:
    """A range that nobody uses at this moment, as `[media] ports` wants it."""
    while True:
        first = _chosen.randrange(LOWEST, HIGHEST, BLOCK)
        if all(_is_free(port) for port in range(first, first + 4)):
            return f"{first}-{first + BLOCK - 1}"


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            both.bind(("::", port))
        except OSError:
            return False
        return True
