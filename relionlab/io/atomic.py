"""Write-then-rename: a file appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` if the block ends without error.

    Folders above ``path`` are made. If the process is killed or the disk is full, the old file, or none, is found,
    never half of the new one. The temporary file keeps the ending of ``path`` (image formats go by it). If ``path``
    is a link, the file that it points to is replaced.

    durable  have the data on the disk before the rename, so that this holds after a power failure too; it takes
             tens of milliseconds, so it is for the few files that a project cannot do without

    Errors: OSError as the file system gives it; the temporary file is removed then.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".writing_{secrets.token_hex(4)}{target.name}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the system takes off the user's umask
    try:
        with suppress(FileNotFoundError):
            temporary.chmod(target.stat().st_mode & 0o777)  # of the file that is replaced
        yield temporary
        if durable:
            _flush(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    """Have the system write the file to disk before it is renamed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
