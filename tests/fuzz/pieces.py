"""Octets as a network delivers them: cut wherever it likes."""

import random


def pieces(data: bytes, seed: bytes) -> list[bytes]:
    """`data` in order, in pieces that are the same for the same seed; small ones are the most frequent."""
    dice = random.Random(seed)
    parts = []
    while data:
        size = dice.randrange(1, 2 ** dice.randrange(1, 9))
        parts.append(data[:size])
        data = data[size:]
    return parts
