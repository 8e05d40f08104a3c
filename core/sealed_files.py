"""Folders of what citizens said and showed. Only sealed bytes are written there, each file under a key of its own."""

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from core.sealing import CannotOpen, new_file_key, open_file, seal_file

SUFFIX = ".sealed"
DRAFT = ".draft"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, its key, and the hash of what it holds."""

    path: str
    key: str
    sha256: str


class SealedFiles:
    """Files by their names in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> StoredFile:
        """Keep bytes in a new file that is on the disk, whole, when this returns."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of its own for each try: what a slower worker writes never replaces what is known.
        name, key = f"{uuid4().hex}{SUFFIX}", new_file_key()
        draft = self._folder / f"{name}{DRAFT}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(seal_file(key, content, name))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / name)
        return StoredFile(name, key, hashlib.sha256(content).hexdigest())

    def get(self, path: str, key: str) -> bytes:
        """What was kept. Raises CannotOpen, also where there is no such file."""
        try:
            sealed = (self._folder / path).read_bytes()
        except OSError as error:
            raise CannotOpen(f"the file cannot be read: {type(error).__name__}") from None
        return open_file(key, sealed, path)

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already changes nothing."""
        (self._folder / path).unlink(missing_ok=True)

    def files_before(self, moment: float) -> list[str]:
        """The files that were last written before a moment, in seconds since 1970."""
        if not self._folder.is_dir():
            return []
        found = [each for each in self._folder.iterdir() if each.name.endswith((SUFFIX, DRAFT))]
        return [each.name for each in found if each.stat().st_mtime < moment]

    def remove_unknown(self, candidates: Collection[str], known: Collection[str]) -> int:
        """Remove those of the files that nothing knows: what a killed worker had written and not noted."""
        unknown = set(candidates) - set(known)
        for path in unknown:
            self.remove(path)
        return len(unknown)
