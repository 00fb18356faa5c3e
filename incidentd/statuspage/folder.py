"""Files by path -> a folder in which every file is replaced whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_ABANDONED_SECONDS = 600


class FolderError(Exception):
    """The folder cannot be written; the text says which file and why."""


def replace(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Brings *folder* to *files*, in their order, and says which paths were different. A reader of the folder sees
    each file as it was or as it is now. What is there besides stays. Raises FolderError, before the first file is
    replaced when the disk is full.

    Not synced to disk: a file that a loss of power emptied differs, and is written again the next time.
    """
    changed = {path: text.encode() for path, text in files.items() if _content(folder / path) != text.encode()}
    prepared: dict[str, Path] = {}
    try:
        for path, content in changed.items():
            prepared[path] = _temporary(folder / path)
            prepared[path].parent.mkdir(parents=True, exist_ok=True)
            prepared[path].write_bytes(content)
        for path, temporary in prepared.items():
            temporary.replace(folder / path)
    except OSError as exc:
        raise FolderError(f"{exc.filename or folder} cannot be written: {exc.strerror}") from exc
    finally:
        for temporary in prepared.values():
            _remove(temporary)
    return list(changed)


def remove_abandoned(folder: Path, newest: Path) -> None:
    """Removes what writers that were killed left behind, long before *newest* was written."""
    try:
        limit = newest.stat().st_mtime - _ABANDONED_SECONDS
        abandoned = [found for found in folder.rglob(".*.new") if found.stat().st_mtime < limit]
    except OSError:
        return
    for found in abandoned:
        _remove(found)


def remove(folder: Path, path: str) -> None:
    """Removes one file if it is there; raises FolderError."""
    try:
        (folder / path).unlink(missing_ok=True)
    except OSError as exc:
        raise FolderError(f"{folder / path} cannot be removed: {exc.strerror}") from exc


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _temporary(path: Path) -> Path:
    """A name beside *path*, so that it can be moved there at once, and its own for each process."""
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
