"""Write-then-rename: a file appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` if the block ends without error.

    Folders above ``path`` are made. The data are flushed to disk before the rename, so that after a crash or on a
    full disk the old file, or none, is found, never half of the new one. The temporary file keeps the ending of
    ``path`` (image formats go by it). If ``path`` is a link, the file that it points to is replaced.

    Errors: OSError as the file system gives it; the temporary file is removed then.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".writing_", suffix=target.name, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(_permissions(target))
        yield temporary
        _flush(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _permissions(target: Path) -> int:
    """Return the mode of the file that is replaced, or that of a new file under the user's umask."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)  # the only way to ask for it
    os.umask(mask)
    return 0o666 & ~mask


def _flush(path: Path) -> None:
    """Have the system write the file to disk before it is renamed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
