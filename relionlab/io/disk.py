"""What the file system said when a file could not be written, in words."""

from __future__ import annotations

import errno
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


def file_trouble(error: OSError, directory: Path, *, then: str) -> str:
    """Return what is wrong and what to do about it.

    directory  where the work was done
    then       what to do when there is room, as "continue the job"
    """
    if error.errno in _FULL:
        return f"The disk of {directory} is full, or your quota is used up: make room, then {then}."
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.EFBIG:
        return (
            f"A file would become larger than it may{where}: raise the limit (ulimit -f), or use another file system,"
            f" then {then}."
        )
    return f"A file could not be read or written: {error.strerror or error}{where}."
