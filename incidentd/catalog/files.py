"""Folders that people name -> the files in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path


def find(path: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """*path* itself when it is a file, else every file below it with one of *suffixes*, in order of names. Hidden
    files and folders are left out: Kubernetes keeps its versions of a mounted ConfigMap in some. Raises OSError."""
    if not path.is_dir():
        path.stat()
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if not name.startswith(".") and name.lower().endswith(tuple(suffixes)) and not _never_ends(file):
                yield file


def _never_ends(file: Path) -> bool:
    """Whether reading it could block: a pipe, a device. A link that leads nowhere is for the reader to report."""
    return file.exists() and not file.is_file()


def _fail(error: OSError) -> None:
    raise error
