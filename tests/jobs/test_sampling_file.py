"""sampling.star of 3D searches: what is written is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.sampling import sampling
from relionlab.errors import StarError
from relionlab.io.star import read_star, write_star
from relionlab.jobs.refinement.sampling_file import SearchGrid, read_sampling, sampling_tables


def test_a_grid_is_read_as_it_was_written(tmp_path: Path) -> None:
    first = SearchGrid(sampling(2, group="D2"), offset_range=10.0, offset_step=4.0)
    now = SearchGrid(sampling(3, group="D2", psi_step=7.5).perturbed(0.25), offset_range=6.0, offset_step=2.0)
    write_star(tmp_path / "s.star", sampling_tables(now, first=first))
    tables = read_star(tmp_path / "s.star")
    assert tables["sampling_general"].value("rlnHealpixOrderOriginal") == 2
    assert tables["sampling_general"].value("rlnOffsetStepOriginal") == 4.0
    again = read_sampling(tables)
    assert (again.orientations.order, again.orientations.n_psi, again.orientations.perturbation) == (3, 48, 0.25)
    np.testing.assert_array_equal(again.orientations.numbers, now.orientations.numbers)
    assert (again.offset_range, again.offset_step, again.tilt_limit) == (6.0, 2.0, None)


def test_changed_or_flat_files_are_refused() -> None:
    grid = SearchGrid(sampling(2, group="C3"), offset_range=5.0, offset_step=2.0)
    general, directions = sampling_tables(grid)
    with pytest.raises(StarError, match="60 of order 2 in C3"):
        read_sampling({"sampling_general": general, "sampling_directions": directions.rows(slice(0, 7))})
    with pytest.raises(StarError, match="2D search"):
        read_sampling({"sampling_general": general.with_columns(rlnIs3DSampling=0)})
    with pytest.raises(StarError, match="sampling_general"):
        read_sampling({})
