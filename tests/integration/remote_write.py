"""Series with their samples -> the body of one remote-write request, and its sending.

https://prometheus.io/docs/specs/prw/remote_write_spec/; the compression is snappy's, with nothing but literals:
https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Mapping, Sequence

Samples = Iterable[tuple[float, float]]
"""Unix time in seconds, value."""
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The value that ends a series."""

_LONGEST_LITERAL = 2**16


def write(url: str, series: Sequence[tuple[Mapping[str, str], Samples]]) -> None:
    """Hands *series* (labels with ``__name__``) to the Prometheus at *url*, which must run with
    ``--web.enable-remote-write-receiver``. Raises OSError if it refuses them."""
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/api/v1/write",
        data=_snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series)),
        headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - loopback


def _series(labels: Mapping[str, str], samples: Samples) -> bytes:
    names = b"".join(_field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels))
    values = b"".join(
        _field(2, b"\x09" + _double(value) + b"\x10" + _varint(round(at * 1000))) for at, value in samples
    )
    return names + values


def _double(value: float) -> bytes:
    # a NaN must keep its bits, or it would not end the series
    return struct.pack("<d", value)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _snappy(content: bytes) -> bytes:
    parts = [_varint(len(content))]
    for start in range(0, len(content), _LONGEST_LITERAL):
        literal = content[start : start + _LONGEST_LITERAL]
        parts += [b"\xf4", struct.pack("<H", len(literal) - 1), literal]
    return b"".join(parts)
