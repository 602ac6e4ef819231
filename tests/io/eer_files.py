"""A small encoder of EER files, to put known events in."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

WIDTHS = {65000: (8, 2, 2), 65001: (7, 2, 2), 65002: (7, 1, 1)}
"""Compression -> bits of the gap, of x and of y inside the pixel."""


def write_eer(path: Path, frames: list[np.ndarray], shape: tuple[int, int], *, compression: int = 65001, xml: str = ""):
    """Write raw frames: arrays (N, 3) of the pixel's index (y × width + x), ascending, and the symbol's y and x in it."""
    out = bytearray(b"II" + struct.pack("<HHHQ", 43, 8, 0, 0))  # BigTIFF
    link = 8
    for number, events in enumerate(frames):
        data = _encoded(events, shape[0] * shape[1], compression)
        start = len(out)
        out += data
        told, note = len(out), f"<metadata>{xml}</metadata>".encode()
        out += note + b"\0" * (-(len(out) + len(note)) % 8)
        tags = [(256, 4, 1, shape[1]), (257, 4, 1, shape[0]), (258, 3, 1, 1), (259, 3, 1, compression)]
        tags += [(262, 3, 1, 1), (273, 16, 1, start), (277, 3, 1, 1), (278, 4, 1, shape[0]), (279, 16, 1, len(data))]
        tags += [(65001, 7, len(note), told)] if number == 0 else []
        tags += [(65007 + i, 3, 1, bits) for i, bits in enumerate(WIDTHS[compression])] if compression == 65002 else []
        out[link : link + 8] = struct.pack("<Q", len(out))
        out += struct.pack("<Q", len(tags)) + b"".join(struct.pack("<HHQQ", *tag) for tag in tags)
        link = len(out)
        out += struct.pack("<Q", 0)
    path.write_bytes(out)


def _encoded(events: np.ndarray, pixels: int, compression: int) -> bytes:
    skip, across, down = WIDTHS[compression]
    most, bits, at = (1 << skip) - 1, [], 0
    for index, y, x in [*events.tolist(), (pixels, 0, 0)]:
        gap = index - at
        for _ in range(gap // most):  # a full gap has no place behind it, but in the oldest form an unused one
            bits += [(most, skip + (across + down if compression == 65000 else 0))]
        bits += [(gap % most, skip), (x, across), (y, down)]
        at = index + 1
    flat = [value >> bit & 1 for value, width in bits for bit in range(width)]
    flat += [0] * (-len(flat) % 24)
    return np.packbits(np.array(flat, np.uint8), bitorder="little").tobytes()
