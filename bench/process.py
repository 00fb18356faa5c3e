"""A process id -> what it has used: read from /proc, so Linux only."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12
"""Places in /proc/PID/stat after the name in brackets; see proc(5)."""


def cpu_seconds(pid: int) -> float:
    """User and system time since it began, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory now, in MB."""
    return _status(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """The most that was ever resident, in MB."""
    return _status(pid, "VmHWM:")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(f"/proc/{pid}/status has no {name}")
