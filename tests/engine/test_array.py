"""Which library an array belongs to, and sums by bin."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine import array
from relionlab.errors import ComputeError


def test_numbers_and_numpy_arrays_belong_to_numpy() -> None:
    assert array.namespace(1.0, np.zeros(2), [3]) is np
    assert array.to_host(np.ones(3)).sum() == 3
    assert array.to_device([1, 2], "cpu").tolist() == [1, 2]
    assert array.like([1.0], np.zeros(1)).dtype == np.float64


@pytest.mark.parametrize(
    ("given", "real", "complex_"),
    [(np.float32, "f4", "c8"), (np.complex64, "f4", "c8"), (np.float64, "f8", "c16"), (np.complex128, "f8", "c16")],
)
def test_precision_of_results_follows_the_input(given: type, real: str, complex_: str) -> None:
    assert array.real_dtype(np.zeros(1, given)) == np.dtype(real)
    assert array.complex_dtype(np.zeros(1, given)) == np.dtype(complex_)


def test_a_missing_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array, "has_gpu", lambda: False)
    assert array.to_device(np.zeros(2), "auto").shape == (2,)
    with pytest.raises(ComputeError, match="set device='cpu'"):
        array.to_device(np.zeros(2), "gpu")


def test_binned_sums_keep_the_batch_and_leave_out_what_lies_beyond() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    bins = np.array([[0, 0, 1, 1], [2, 2, 2, 9], [0, 1, 2, 9]])
    sums = array.binned_sum(values, bins, 3)
    assert sums.shape == (2, 3)
    for image, found in zip(values, sums, strict=True):
        assert found.tolist() == [image[bins == b].sum() for b in range(3)]
    assert array.binned_sum(values[:0], bins, 3).shape == (0, 3)
