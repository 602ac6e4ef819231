"""MotionCor2's logs, written here as it writes them, become RELION's motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.motion.model import field_basis, shifts_at, time_basis
from relionlab.errors import InputError
from relionlab.exchange.motioncor2 import find_logs, fitted_model, read_patches, read_whole

FRAMES, SIZE = 12, (400, 300)


def written(folder: Path, stem: str, *, total: bool = False, flag: str = "0") -> tuple[np.ndarray, np.ndarray]:
    """Write both logs of a movie; return the whole shifts and the model."""
    rng = np.random.default_rng(1)
    shifts = np.cumsum(rng.normal(1, 0.2, (FRAMES, 2)), axis=0)
    shifts -= shifts[0]
    model = np.zeros((2, 6, 3))
    model[:, 1:, 0] = rng.normal(0, 0.3, (2, 5))
    lines = [
        "# full frame alignment",
        "# frame  x  y",
        *(f"{n + 1:4d} {x:8.2f} {y:8.2f}" for n, (x, y) in enumerate(shifts)),
    ]
    (folder / f"{stem}-Patch-Full.log").write_text("\n".join(lines) + "\n")
    lines = ["# Patch based alignment", "# Number of patches: 12", f"# Movie size: {SIZE[0]}  {SIZE[1]}  {FRAMES}", ""]
    for number, (x, y) in enumerate((x, y) for y in (50, 150, 250) for x in (50, 150, 250, 350)):
        lines.append(f"#Patch {number + 1:03d} raw and fit shifts")
        local = time_basis(np.arange(FRAMES)) @ np.einsum(
            "cbp,b->pc", model, field_basis(x / SIZE[0] - 0.5, y / SIZE[1] - 0.5)
        )
        told = local + (shifts if total else 0)
        lines += [f"{n + 1:4d} {x:8.2f} {y:8.2f} {a:8.2f} {b:8.2f} {flag}" for n, (a, b) in enumerate(told)] + [""]
    (folder / f"{stem}-Patch-Patch.log").write_text("\n".join(lines))
    return shifts, model


@pytest.mark.parametrize(("total", "flag"), [(False, "0"), (True, "0"), (False, "1.25 -0.50")])
def test_shifts_become_relions_model(tmp_path: Path, total: bool, flag: str):
    shifts, model = written(tmp_path, "mov1", total=total, flag=flag)
    whole_log, patch_log = find_logs(tmp_path, "Movies/mov1.eer")
    whole = read_whole(whole_log)
    np.testing.assert_allclose(whole, shifts, atol=0.011)
    patches = read_patches(patch_log, whole)
    at = np.random.default_rng(0).uniform(-0.4, 0.4, (9, 2))
    found = shifts_at(whole, fitted_model(patches), at)
    np.testing.assert_allclose(found, shifts_at(shifts, model, at), atol=0.03)


def test_logs_are_found_by_the_movies_name(tmp_path: Path):
    for name in ("mov1.log0-Patch-Full.log", "mov10-Full.log", "mov10-Patch-Patch.log", "mov2_aligned0-Full.log"):
        (tmp_path / name).write_text("")
    others = ["Movies/mov1.tif", "Movies/mov10.tif"]
    assert find_logs(tmp_path, "Movies/mov1.tif", others) == (tmp_path / "mov1.log0-Patch-Full.log", None)
    assert find_logs(tmp_path, "Movies/mov10.tif", others) == (
        tmp_path / "mov10-Full.log",
        tmp_path / "mov10-Patch-Patch.log",
    )
    assert find_logs(tmp_path, "mov2.tif")[0].name == "mov2_aligned0-Full.log"
    with pytest.raises(InputError, match=r"no log of mov3.tif: expected mov3-Full.log"):
        find_logs(tmp_path, "mov3.tif")


def test_damaged_logs_are_named(tmp_path: Path):
    whole, _ = written(tmp_path, "m")
    lines = (tmp_path / "m-Patch-Patch.log").read_text().splitlines()
    (tmp_path / "m-Patch-Patch.log").write_text("\n".join(lines[:40]))
    with pytest.raises(InputError, match=r"m-Patch-Patch.log lists \d+ shifts of patches; expected 12 for each"):
        read_patches(tmp_path / "m-Patch-Patch.log", whole)
    (tmp_path / "m-Patch-Full.log").write_text("   1  0.0  0.0\n   3  1.0  nothing\n")
    with pytest.raises(InputError, match=r"line 2: found '3  1.0  nothing'"):
        read_whole(tmp_path / "m-Patch-Full.log")
    (tmp_path / "m-Patch-Full.log").write_text("   1  0.0  0.0\n   3  1.0  1.0\n")
    with pytest.raises(InputError, match="lists 2 frames, not one after the other"):
        read_whole(tmp_path / "m-Patch-Full.log")
