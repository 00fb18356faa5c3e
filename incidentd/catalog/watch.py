"""Authored files that change on disk -> a sign, so that they can be loaded anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchfiles import Change, watch

_AUTHORED = (".yaml", ".yml", ".md")
_SWAPPED_LINK = "..data"
"""Kubernetes replaces a mounted ConfigMap by swapping this link."""
_NOTICE_STOP_MS = 500
_STEP_MS = 250
"""How often the watcher looks whether a burst of changes is over; its own 50 ms cost more than all else when idle."""


def config_changes(config: Path, stop: threading.Event) -> Iterator[None]:
    """One sign for each burst of changes to the configuration. Its folder is watched, without what lies below: a
    replaced file is seen, and a database or a virtual environment beside it costs nothing."""

    def concerns(_: Change, path: str) -> bool:
        return Path(path).name in (config.name, _SWAPPED_LINK)

    folder = config.absolute().parent
    for _ in watch(
        folder, watch_filter=concerns, recursive=False, stop_event=stop, rust_timeout=_NOTICE_STOP_MS, step=_STEP_MS
    ):
        yield


def folder_changes(paths: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """One sign for each burst of changes to YAML or Markdown below *paths*; a file's folder is watched for it."""

    def concerns(_: Change, path: str) -> bool:
        return path.endswith(_AUTHORED) or Path(path).name == _SWAPPED_LINK

    folders = sorted({path if path.is_dir() else path.parent for path in paths})
    for _ in watch(*folders, watch_filter=concerns, stop_event=stop, rust_timeout=_NOTICE_STOP_MS, step=_STEP_MS):
        yield
