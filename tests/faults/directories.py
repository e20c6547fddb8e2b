"""Directories on a real disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from .memory import Files, time_of

#: By name, the inode, the time and the size of each file.
Seen = dict[str, tuple[int, ...]]


class OwnDisk(FileSystemStorage):
    """A storage of somebody's own: nothing is known of it but that it is on the disk."""


class Directory:
    """What one backend on the disk holds, whichever process asks for it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        root.mkdir(parents=True, exist_ok=True)
        self._files: Files = {}
        self._seen: Seen = {}
        self._put: Seen | None = None

    def put(self, files: Mapping[str, bytes]) -> None:
        """Hold these files, each as old as its content makes it."""
        if self._put is not None and self._seen == self._put and self._files == files:
            return  # The last process changed nothing.
        shutil.rmtree(self.root)
        os.mkdir(self.root)
        for name, content in files.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
            changed = time_of(content).timestamp()
            os.utime(path, (changed, changed))
        self._files, self._seen = dict(files), _look(self.root)
        self._put = self._seen

    def snapshot(self) -> Files:
        """Return all that lies there now."""
        seen = _look(self.root)
        if seen != self._seen:
            self._seen, self._files = seen, {}
            for name in seen:
                if not name.endswith(os.sep):
                    with open(os.path.join(self.root, name), "rb") as file:
                        self._files[name] = file.read()
        return dict(self._files)


def _look(root: str, directory: str = "") -> Seen:
    """Return each file with what tells whether it was changed, and each directory."""
    seen: Seen = {}
    with os.scandir(os.path.join(root, directory)) as entries:
        for entry in entries:
            name = directory + entry.name
            if entry.is_dir(follow_symlinks=False):
                seen[name + os.sep] = ()
                seen |= _look(root, name + os.sep)
            else:
                state = entry.stat(follow_symlinks=False)
                # What was put there is years old, so that a write shows even in the same tick.
                seen[name] = (state.st_ino, state.st_mtime_ns, state.st_size)
    return seen
