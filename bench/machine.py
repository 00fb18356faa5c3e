"""The machine that a run was made on, in words."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from incidentd import __version__


def describe() -> dict[str, str]:
    """Name -> value, for the report."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "incidentd": __version__,
        "commit": _said("git", "describe", "--always", "--dirty"),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Prometheus": _said("prometheus", "--version").partition(" (")[0].removeprefix("prometheus, version "),
    }


def load() -> float:
    """Processes that ran or waited over the last minute: what else the machine did."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    except OSError:
        return "unknown"
    return (done.stdout or done.stderr).strip() or "unknown"
