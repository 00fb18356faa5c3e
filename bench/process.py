"""A process id -> what it has used. Linux only."""

from __future__ import annotations

import time
from pathlib import Path

_CPUCLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """User and system time of all of its threads, ended ones too, since it began. Its clock counts nanoseconds where
    /proc/PID/stat counts hundredths of a second; how its number is made: clock_getcpuclockid(3), Linux' posix-timers.h.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


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
