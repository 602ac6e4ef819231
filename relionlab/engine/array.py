"""Which library an array belongs to, and the three ways in which data move.

The first line of a formula is ``xp = namespace(x)``. Only this file and engine/kernels import CuPy, and only when
a GPU array is met or asked for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import scipy.fft

from relionlab.errors import ComputeError


def namespace(*arrays: Any) -> ModuleType:
    """Return the library of these arrays, ``numpy`` or ``cupy``; plain numbers belong to NumPy."""
    if "cupy" in sys.modules:
        import cupy

        if any(isinstance(array, cupy.ndarray) for array in arrays):
            return cupy
    return np


def fft_namespace(*arrays: Any) -> ModuleType:
    """Return the FFT library of these arrays, ``scipy.fft`` or ``cupyx.scipy.fft``; both keep single precision."""
    if namespace(*arrays) is np:
        return scipy.fft
    import cupyx.scipy.fft

    return cupyx.scipy.fft


def has_gpu() -> bool:
    """Say whether CuPy is installed and finds a GPU."""
    try:
        import cupy

        return bool(cupy.cuda.runtime.getDeviceCount() > 0)
    except (ImportError, RuntimeError, OSError):  # a missing package, driver or device all mean the same: no GPU
        return False


def to_device(x: Any, device: str) -> Any:
    """Return the array on "cpu", "gpu", or with "auto" on the GPU where there is one.

    Raises ComputeError if a GPU is asked for and there is none.
    """
    if device == "cpu" or (device == "auto" and not has_gpu()):
        return to_host(x)
    if not has_gpu():
        raise ComputeError(
            "A GPU was asked for (device='gpu'), but CuPy is not installed or finds none: install relionlab with its CUDA extra, "
            "or set device='cpu'."
        )
    import cupy

    return cupy.asarray(x)


def to_host(x: Any) -> np.ndarray:
    """Return the array as a NumPy array; copies only from a GPU."""
    return np.asarray(x) if namespace(x) is np else x.get()


def like(x: Any, other: Any) -> Any:
    """Return the array where ``other`` lives, in its own precision."""
    xp = namespace(other)
    return to_host(x) if xp is np else xp.asarray(x)


def real_dtype(x: Any) -> np.dtype:
    """Return the real precision of an array: float64 for double, real or complex, and float32 for all else."""
    return np.dtype(np.float64) if x.dtype in (np.float64, np.complex128) else np.dtype(np.float32)


def complex_dtype(x: Any) -> np.dtype:
    """Return the complex precision of an array: complex128 for double, real or complex, and complex64 for all else."""
    return np.dtype(np.complex128) if real_dtype(x) == np.float64 else np.dtype(np.complex64)


def binned_sum(values: Any, bins: Any, count: int) -> Any:
    """Sum values by bin.

    values  (…, *shape) real numbers
    bins    (*shape) bin of each value; those at ``count`` or beyond are left out
    Returns (…, count) float64.
    """
    xp = namespace(values)
    batch = values.shape[: values.ndim - bins.ndim]
    keep = (bins < count).ravel()
    flat, index = values.reshape((-1, bins.size))[:, keep], bins.ravel()[keep]
    if flat.shape[0] == 0:
        return xp.zeros((*batch, count))
    sums = [xp.bincount(index, weights=row, minlength=count) for row in flat]
    return xp.stack(sums).reshape((*batch, count))
