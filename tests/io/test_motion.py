"""The STAR file of a movie's motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import StarError
from relionlab.io.motion import Motion, read_motion, write_motion
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table


def some_motion(**changes: object) -> Motion:
    rng = np.random.default_rng(0)
    shifts = rng.normal(size=(6, 2))
    shifts[[0, 5]] = np.nan
    values = {
        "movie": "Movies/mov1.tiff", "size": (6, 200, 300), "shifts": shifts, "pixel_size": 1.2, "model": rng.normal(size=(2, 6, 3)),
        "gain": "gain.mrc", "hot_pixels": np.array([[3, 4], [250, 7]]), "patches": np.array([[50.0, 60.0], [150, 60], [50, 120], [150, 120]]),
        "patch_frames": np.arange(2, 6), "patch_shifts": rng.normal(size=(4, 4, 2)), "first_frame": 2, "dose_per_frame": 1.3,
        "pre_exposure": 0.5, "voltage": 200.0, "eer_grouping": 32, "eer_upsampling": 1,
    }  # fmt: skip
    return Motion(**(values | changes))


def test_motion_round_trips(tmp_path: Path):
    motion = some_motion()
    write_motion(tmp_path / "m.star", motion)
    again = read_motion(tmp_path / "m.star")
    for name, value in vars(motion).items():
        found = getattr(again, name)
        assert np.array_equal(found, value, equal_nan=True) if isinstance(value, np.ndarray) else found == value, name
    assert again.used.sum() == 4


def test_tables_are_relions(tmp_path: Path):
    write_motion(tmp_path / "m.star", some_motion(eer_grouping=None))
    tables = read_star(tmp_path / "m.star")
    assert list(tables) == ["general", "global_shift", "local_motion_model", "hot_pixels", "local_shift"]
    assert tables["general"].labels == (
        "rlnImageSizeX", "rlnImageSizeY", "rlnImageSizeZ", "rlnMicrographMovieName", "rlnMicrographGainName",
        "rlnMicrographBinning", "rlnMicrographOriginalPixelSize", "rlnMicrographDoseRate", "rlnMicrographPreExposure",
        "rlnVoltage", "rlnMicrographStartFrame", "rlnMotionModelVersion",
    )  # fmt: skip
    assert tables["global_shift"]["rlnMicrographShiftX"][0] == -9999


def test_without_local_motion(tmp_path: Path):
    write_motion(
        tmp_path / "m.star", some_motion(model=None, patches=None, patch_shifts=np.zeros((0, 0, 2)), hot_pixels=[])
    )
    again = read_motion(tmp_path / "m.star")
    assert again.model is None
    assert again.patches is None
    assert read_star(tmp_path / "m.star")["general"].value("rlnMotionModelVersion") == 0


def test_a_model_in_binned_pixels_is_scaled(tmp_path: Path):
    """RELION 3.1.3 writes the model, but not the shifts, in binned pixels if it binned before alignment."""
    motion = some_motion(first_frame=1, patch_frames=np.arange(1, 5), binning=2.0)
    u, v = motion.patches[:, 0] / 300 - 0.5, motion.patches[:, 1] / 200 - 0.5
    basis, time = np.stack([u * 0 + 1, u, u * u, v, v * v, u * v]), np.arange(4.0)
    measured = np.einsum("cbp,fp,bn->nfc", motion.model, np.stack([time, time**2, time**3], 1), basis)
    for factor in (1.0, 0.5):
        write_motion(
            tmp_path / "m.star",
            some_motion(**{**vars(motion), "model": factor * motion.model, "patch_shifts": measured}),
        )
        assert np.allclose(read_motion(tmp_path / "m.star").model, motion.model)


def test_real_files_of_relion(shared_data: Path):
    found = sorted(shared_data.rglob("MotionCorr/job002/Movies/*.star"))
    assert len(found) > 20
    for path in found:
        motion = read_motion(path)
        assert motion.size == (24, 3838, 3710)
        assert motion.used.all()
        assert motion.model.shape == (2, 6, 3)
        assert motion.patch_shifts.shape == (25, 24, 2)


def test_what_is_not_a_motion_is_refused(tmp_path: Path):
    write_star(tmp_path / "x.star", [Table({"rlnMicrographName": ["a.mrc"]}, "micrographs")])
    with pytest.raises(StarError, match="expected 'general' and 'global_shift'"):
        read_motion(tmp_path / "x.star")
    write_motion(tmp_path / "m.star", some_motion())
    text = (tmp_path / "m.star").read_text().replace("rlnImageSizeZ                      6", "rlnImageSizeZ   3")
    (tmp_path / "m.star").write_text(text)
    with pytest.raises(StarError, match="frame 6, but the movie has 3 frames"):
        read_motion(tmp_path / "m.star")
