"""Opening plain and compressed files (.gz, .bz2, .zst) alike."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import BinaryIO, cast

from relionlab.errors import InputError

COMPRESSED = (".gz", ".bz2", ".zst")


def is_compressed(path: Path) -> bool:
    """Whether the name ends as that of a compressed file."""
    return path.suffix.lower() in COMPRESSED


def uncompressed_name(path: Path) -> Path:
    """Return the path without the ending of its compression, if any."""
    return path.with_suffix("") if is_compressed(path) else path


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading its uncompressed bytes.

    Raises OSError if it cannot be opened; damage shows later, while reading: see :func:`read_bytes`.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if suffix == ".zst":
        import zstandard

        # zstandard's own open() stops after the first of several frames, which parallel compressors write
        source = path.open("rb")
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True, closefd=True))
    return path.open("rb")


def read_bytes(path: Path, error: type[InputError], *, size: int = -1) -> bytes:
    """Return the first ``size`` uncompressed bytes of a file (all of them by default).

    Raises ``error`` if the file does not exist, may not be read, or its compression is damaged.
    """
    try:
        if path.suffix.lower() == ".zst" and size < 0:
            return _whole_zst(path.read_bytes())
        with open_binary(path) as stream:
            return stream.read(size)
    except FileNotFoundError:
        raise error(f"{path} does not exist. Check the name, and that it is relative to the project folder.") from None
    except IsADirectoryError:
        raise error(f"{path} is a folder; expected a file.") from None
    except damage() as cause:
        if isinstance(cause, OSError) and cause.errno is not None:
            raise error(f"{path} cannot be read: {cause.strerror}.") from cause
        raise error(
            f"{path} is damaged or was cut off while it was compressed or copied ({cause}). Copy it again."
        ) from cause


def _whole_zst(packed: bytes) -> bytes:
    """Decompress all frames; zstandard's streams end without a word where a file is cut off, so ask each frame."""
    import zstandard

    pieces = []
    while packed:
        frame = zstandard.ZstdDecompressor().decompressobj()
        pieces.append(frame.decompress(packed))
        if not frame.eof:
            raise EOFError("the compressed data end early")
        packed = frame.unused_data
    return b"".join(pieces)


def damage() -> tuple[type[Exception], ...]:
    """Return the exceptions that reading a file and decompressing damaged data raise."""
    import zlib

    import zstandard

    return (EOFError, OSError, zlib.error, zstandard.ZstdError)
