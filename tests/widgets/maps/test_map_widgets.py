"""Slices, surfaces, the mask panel and the plots of jobs, without a browser: what they hold, send and write."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError, InputError, JobStateError, NodeError, ParameterError
from relionlab.io.images import write_map
from relionlab.project import Project
from relionlab.widgets import MaskPanel, PlotView, SliceView, SurfaceView
from relionlab.widgets.maps.latest import Latest
from relionlab.widgets.maps.scene import tiles
from tests.jobs.half_map_files import BOX, HALF, MAP, SIZE, write_half_maps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with half-maps."""
    made = tmp_path_factory.mktemp("maps")
    Project.create(made)
    return write_half_maps(made)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


# --- slices ---------------------------------------------------------------------------------------------------------


def test_slices_hold_the_map_as_bytes_between_two_densities(folder: Path):
    view = SliceView(folder / MAP)
    canvas, array = view.canvas, view.shown.array
    sent = np.frombuffer(canvas.map, np.uint8).reshape(canvas.shape)
    low, high = canvas.levels
    inside = (array > low) & (array < high)
    assert np.abs(low + sent / 255 * (high - low) - array)[inside].max() <= (high - low) / 255 * 0.51
    assert (view.position, canvas.pixel_size, canvas.bin) == ((24, 24, 24), SIZE, 1)
    view.go_to(1, 2, 3)
    assert canvas.position == [1, 2, 3]
    view.contrast(low, (low + high) / 2)
    assert (canvas.black, canvas.white) == (0, pytest.approx(127.5))
    opened = view.open_surface()
    assert opened.rows[0].shown is view.shown  # in the drawer below
    with pytest.raises(ImageError, match="no voxel"):
        view.go_to(48, 0, 0)


def test_large_maps_are_binned_and_their_slices_come_at_full_size():
    array = noise(270, 4, 6)
    view = SliceView(array, pixel_size=1.5)
    assert (view.canvas.bin, view.canvas.shape, "2³ voxels" in view.canvas.notice) == (2, [135, 2, 3], True)
    told: list = []
    view.canvas.send = lambda content, buffers=None: told.append((content, buffers))  # type: ignore[method-assign]
    view.canvas._answer(None, {"kind": "planes", "place": [7, 1, 2]}, [])
    view.canvas._answer(None, {"kind": "value", "place": [7, 1, 2]}, [])
    view.canvas._answer(None, {"kind": "value", "place": [7, 1, 9]}, [])  # outside: not answered
    assert told[0][0]["sizes"] == [[4, 6], [270, 6], [270, 4]]
    assert told[1][0]["value"] == pytest.approx(float(array[7, 1, 2]))
    assert len(told) == 2


def test_second_map_mask_and_local_resolution_go_over_the_first(folder: Path):
    view = SliceView(folder / MAP)
    view.compare(folder / HALF, how="blend")
    assert (view.canvas.compare, len(view.canvas.second)) == ("blend", BOX**3)
    mask = np.zeros((BOX,) * 3, np.float32)
    mask[20:30, 20:30, 20:30] = 1
    view.outline(mask)
    assert np.frombuffer(zlib.decompress(view.canvas.mask), np.uint8).reshape(mask.shape).max() == 255
    locres = folder / "a_locres.mrc"
    write_map(locres, np.where(mask > 0, np.linspace(3, 9, BOX), 0), pixel_size=SIZE)
    view.colour_by(locres)
    sent = np.frombuffer(zlib.decompress(view.canvas.local), np.uint8).reshape(mask.shape)
    assert ((sent > 0) == (mask > 0)).all()
    assert 3 < view.canvas.local_levels[0] < view.canvas.local_levels[1] < 9
    with pytest.raises(ImageError, match="boxes agree"):
        view.compare(noise(8, 8, 8))
    view.compare(None)
    view.show(noise(8, 8, 8))
    assert view.canvas.second == view.canvas.mask == view.canvas.local == b""


def test_images_and_empty_folders_are_refused(tmp_path: Path):
    with pytest.raises(ImageError, match="three axes"):
        SliceView(noise(8, 8))
    with pytest.raises(NodeError, match="no map"):
        SliceView(tmp_path)


# --- surfaces -------------------------------------------------------------------------------------------------------


def test_level_is_said_in_three_ways_that_follow_each_other(folder: Path):
    view = SurfaceView(folder / MAP)
    row = view.rows[0]
    view.set_level(sigmas=3.0)
    array = row.shown.array
    assert row.level == pytest.approx(array.mean() + 3 * array.std(), rel=1e-4)
    view.set_level(kda=40.0)
    assert row.enclosed.weight(row.level) == pytest.approx(40, rel=0.02)
    assert (array > row.level).sum() * SIZE**3 * 0.81e-3 == pytest.approx(40, rel=0.05)
    assert row._weight.value == pytest.approx(40, rel=0.02)
    row._slider.value = float(array.mean())
    assert row._sigmas.value == pytest.approx(0, abs=0.01)
    with pytest.raises(ParameterError, match="Give the level"):
        view.set_level()


def test_maps_are_tiled_fitted_and_written_for_chimerax(folder: Path, tmp_path: Path):
    turned = folder / "turned.mrc"
    from relionlab.io.images import read_map

    target, _ = read_map(folder / MAP)
    write_map(turned, np.rot90(target, axes=(1, 2)), pixel_size=SIZE)
    view = SurfaceView(folder / MAP, turned)
    view.tile()
    assert tiles([96.0, 96.0]) == [(0.0, 0.0, 0.0), (pytest.approx(-100.8), 0.0, 0.0)]
    script = view.chimerax(tmp_path / "maps.cxc").read_text()
    assert "move -100.8,0,0 models #2" in script
    assert f'open "{(folder / MAP).resolve()}" id 1' in script
    assert f"level {view.rows[0].level:.6g} color #56B4E9" in script
    mask = folder / "mask.mrc"
    write_map(mask, (target > target.mean()).astype(np.float32), pixel_size=SIZE)
    view.overlay_mask(mask)
    script = view.chimerax(tmp_path / "maps.cxc").read_text()
    assert f'open "{mask.resolve()}" id 3\nvolume #3 style mesh step 1 level 0.5' in script
    found = view.fit(1)
    assert found.correlation > 0.6
    assert np.corrcoef(np.rot90(target, axes=(1, 2)).ravel(), target.ravel())[0, 1] < 0.5
    with pytest.raises(ParameterError, match="no map 5"):
        view.fit(5)


def test_models_are_recognised_by_their_names(folder: Path, tmp_path: Path):
    model = tmp_path / "a.pdb"
    model.write_text("ATOM      1  CA  ALA A   1      10.000  10.000  10.000  1.00  0.00           C\nEND\n")
    view = SurfaceView(folder / MAP)
    view._file.value = str(model)
    view._add_file()
    assert view.rows[0].opacity == 0.5
    assert str(model) in view.chimerax(tmp_path / "m.cxc").read_text()
    with pytest.raises(InputError, match="not an atomic model"):
        view.overlay_model(folder / MAP)


# --- mask panel -----------------------------------------------------------------------------------------------------


def test_mask_panel_follows_its_sliders_and_writes_the_jobs(folder: Path):
    project = Project.open(folder)
    panel = MaskPanel(folder / HALF, project=project)
    first = panel.tried
    assert panel.mask_job.fn_in == MAP
    tried = panel.set(threshold=0.3, edge=5)
    assert tried is not first
    assert (panel.mask_job.inimask_threshold, panel.mask_job.width_mask_edge) == (0.3, 5)
    assert np.frombuffer(zlib.decompress(panel.canvas.mask), np.uint8).max() == 255
    assert f"{tried.resolution:.2f} Å" in panel._numbers.value
    assert tried.verdict.words.split(":")[0] in panel._verdict.value
    panel.controls.sliders["extend_inimask"].value = 5  # as the page does
    assert panel.settle().volume > tried.volume
    panel.sharpening.set(own=-80.0)
    assert panel.settle().b_factor == -80
    job = panel.postprocess_job("M/mask.mrc")
    assert (job.do_adhoc_bfac, job.adhoc_bfac, job.do_auto_bfac, job.problems()) == (True, -80, False, [])
    with pytest.raises(ParameterError, match="Lower it"):
        panel.set(threshold=99.0)


def test_mask_panel_without_a_project_writes_nothing(folder: Path):
    panel = MaskPanel(folder / HALF)
    with pytest.raises(JobStateError, match="no project"):
        panel.use()
    with pytest.raises(JobStateError, match="no sharpened map"):
        panel.open_result()


def test_only_the_newest_is_done():
    done: list[int] = []
    import threading

    gate = threading.Event()

    def work(value: int, newer) -> None:
        gate.wait(10)
        done.append(value)

    latest = Latest(work)
    for value in range(5):
        latest.ask(value)
    gate.set()
    assert latest.wait()
    assert done[-1] == 4
    assert len(done) <= 2


# --- plots ----------------------------------------------------------------------------------------------------------


def test_plots_of_a_postprocess_file(tmp_path: Path, monkeypatch):
    from relionlab.jobs.context import PlainContext
    from relionlab.jobs.maps.postprocess_program import Postprocess

    write_half_maps(tmp_path)
    Postprocess(fn_in=HALF, do_auto_bfac=True, autob_lowres=10.0, o="postprocess").run(
        PlainContext(tmp_path, quiet=True)
    )
    monkeypatch.chdir(tmp_path)
    view = PlotView(tmp_path / "postprocess.star")
    assert view.names == ["Fourier shell correlation", "Guinier plot"]
    view.show("Guinier plot")
    assert "B-factor applied" in view.pictures[0].caption
    (written,) = view.save("png")
    assert written.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match="choose from"):
        view.show("Nothing")
    with pytest.raises(NodeError, match="has no plots"):
        PlotView(tmp_path / "Refine3D")
