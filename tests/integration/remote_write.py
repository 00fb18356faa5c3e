"""Series with their samples -> the body of one remote-write request, and its sending.

https://prometheus.io/docs/specs/prw/remote_write_spec/; the compression is snappy's, with nothing but literals:
https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Samples = Iterable[tuple[float, float]]
"""Unix time in seconds, value."""
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The value that ends a series."""

_LONGEST_LITERAL = 2**16


@dataclass(frozen=True)
class Histogram:
    """A native histogram with integer counts, at one time. *buckets* are the counts of neighbouring buckets of schema 0
    (each twice as wide as the one before), the first with the upper bound 1."""

    at: float
    sum: float
    buckets: Sequence[int]


def write_histograms(url: str, series: Sequence[tuple[Mapping[str, str], Sequence[Histogram]]]) -> None:
    """The same for native histograms; the server needs ``--enable-feature=native-histograms`` too."""
    _send(url, b"".join(_field(1, _labels(labels) + b"".join(map(_histogram, those))) for labels, those in series))


def write(url: str, series: Sequence[tuple[Mapping[str, str], Samples]]) -> None:
    """Hands *series* (labels with ``__name__``) to the Prometheus at *url*, which must run with
    ``--web.enable-remote-write-receiver``. Raises OSError if it refuses them."""
    _send(url, b"".join(_field(1, _series(labels, samples)) for labels, samples in series))


def _send(url: str, request_message: bytes) -> None:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/api/v1/write",
        data=_snappy(request_message),
        headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - loopback


def _series(labels: Mapping[str, str], samples: Samples) -> bytes:
    pairs = ((_double(value), _varint(round(at * 1000))) for at, value in samples)
    return _labels(labels) + b"".join(_field(2, b"\x09" + value + b"\x10" + at) for value, at in pairs)


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(_field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels))


def _histogram(one: Histogram) -> bytes:
    """https://github.com/prometheus/prometheus/blob/main/prompb/types.proto, message Histogram."""
    deltas = [count - before for count, before in zip(one.buckets, [0, *one.buckets], strict=False)]
    span = b"\x08" + _varint(0) + b"\x10" + _varint(len(one.buckets))
    return _field(
        4,
        b"\x08" + _varint(sum(one.buckets))
        + b"\x19" + _double(one.sum)
        + b"\x20" + _varint(0)
        + b"\x29" + _double(0.001)
        + b"\x30" + _varint(0)
        + _field(11, span)
        + _field(12, b"".join(_varint(delta << 1 if delta >= 0 else (-delta << 1) - 1) for delta in deltas))
        + b"\x78" + _varint(round(one.at * 1000)),
    )  # fmt: skip


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
