"""Pictures made small: a PNG of true colours becomes one of a palette, the most frequent colours kept.

Reads what Chromium writes: 8 bits a channel, RGB or RGBA, not interlaced (filters: PNG, W3C 2003, section 9).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
COLOURS: Final = 96
ALIKE: Final = 3  # colours that differ in so many last bits only
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {2: 3, 6: 4}


def squeezed(png: bytes) -> bytes:
    """The same picture in at most COLOURS colours, without transparency. Raises KeyError for other kinds."""
    parts = list(_parts(png))
    width, height, _, kind = struct.unpack(">IIBB", parts[0][1][:10])
    channels = _CHANNELS[kind]
    packed = b"".join(body for name, body in parts if name == b"IDAT")
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    pixels = _unfiltered(rows[:, 0], rows[:, 1:].copy(), channels).reshape(-1, channels)[:, :3]
    palette, index = _reduced(pixels)
    lines = np.zeros((height, 1 + width), np.uint8)
    lines[:, 1:] = index.reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    named = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", body), (b"IEND", b""))
    return _SIGNATURE + b"".join(_part(name, data) for name, data in named)


def _parts(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _reduced(pixels: Bytes) -> tuple[Bytes, Bytes]:
    """(palette of shape (colours, 3), index of each pixel): each pixel takes the nearest colour kept.

    Of colours that the eye hardly tells apart only the most frequent is kept, so that the many greys at the
    edges of letters do not drive out the few tones that mean something.
    """
    whole = pixels.astype(np.uint32)
    packed = whole[:, 0] << 16 | whole[:, 1] << 8 | whole[:, 2]
    found, where, count = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.int64)
    often = np.argsort(-count, kind="stable")
    _, first = np.unique(colours[often] >> ALIKE, axis=0, return_index=True)
    kept = colours[often[np.sort(first)[:COLOURS]]]
    nearest = ((colours[:, None, :] - kept[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    return kept.astype(np.uint8), nearest.astype(np.uint8)[where]


@numba.njit(cache=True)
def _unfiltered(filters: Bytes, rows: Bytes, step: int) -> Bytes:
    """Rows as they were before each was written as differences to its neighbours."""
    height, length = rows.shape
    for y in range(height):
        for x in range(length):
            left = int(rows[y, x - step]) if x >= step else 0
            above = int(rows[y - 1, x]) if y else 0
            corner = int(rows[y - 1, x - step]) if y and x >= step else 0
            guess = 0
            if filters[y] == 1:
                guess = left
            elif filters[y] == 2:
                guess = above
            elif filters[y] == 3:
                guess = (left + above) // 2
            elif filters[y] == 4:
                near = left + above - corner
                a, b, c = abs(near - left), abs(near - above), abs(near - corner)
                guess = left if a <= b and a <= c else (above if b <= c else corner)
            rows[y, x] = (int(rows[y, x]) + guess) & 255
    return rows
