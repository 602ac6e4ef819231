"""The options of 3D runs: into RELION's tables and back."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.sampling import sampling
from relionlab.io.images import write_map
from relionlab.io.star import read_star
from relionlab.jobs.refinement.input import poses_of
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run_options3d import optimiser_options3d, saved_options3d
from relionlab.jobs.refinement.sampling_file import SearchGrid
from relionlab.jobs.refinement.saved3d import Saved3D, read_iteration3d
from tests.jobs.test_files3d import OPTIMISER, PIXEL_SIZE, iteration, write
from tests.jobs.test_refine_files import OPTIMISER as LABELS

COMMON = "--i a.star --o Run/a/run --particle_diameter 150 --zero_mask --flatten_solvent --ctf --norm --scale --pad 1 --random_seed 0"
CLASS3D = (
    f"{COMMON} --ref a.mrc --K 2 --iter 20 --tau2_fudge 4 --sym D2 --healpix_order 2 --offset_range 6 --offset_step 2"
)
CLASS3D += " --strict_highres_exp 12 --solvent_mask m.mrc --sigma_ang 5 --relax_sym C2 --limit_tilt -40"
REFINE3D = (
    f"{COMMON} --ref a.mrc --auto_refine --split_random_halves --low_resol_join_halves 40 --sym D2 --healpix_order 2"
)
REFINE3D += (
    " --auto_local_healpix_order 5 --solvent_correct_fsc --solvent_mask m.mrc --auto_ignore_angles --offset_range 6"
)
GRAD = (
    f"{COMMON} --denovo_3dref --grad --K 2 --iter 100 --sym C1 --grad_write_iter 25 --grad_em_iters 2 --healpix_order 1"
)
SGD = f"{COMMON} --denovo_3dref --sgd --K 2 --sgd_ini_iter 20 --sgd_inbetween_iter 30 --sgd_fin_iter 10 --sgd_ini_resol 50"
SGD += " --sgd_fin_resol 20 --sgd_ini_subset 50 --sgd_fin_subset 70 --mu 0.8 --sgd_skip_anneal --sgd_write_iter 5"
RUNS = {"class3d": CLASS3D, "auto-refine": REFINE3D, "grad": GRAD, "sgd": SGD}


def saved(directory: Path, options: Refine) -> Saved3D:
    """Write iteration 3 of a run with these options, and read it."""
    halves = options.auto_refine
    source, state = iteration(halves=halves, classes=options.nr_classes)
    grid = SearchGrid(
        sampling(options.healpix_order, group=options.sym, tilt_limit=options.limit_tilt),
        options.offset_range * PIXEL_SIZE,
        options.offset_step * 2 * PIXEL_SIZE,
        options.perturb,
        options.limit_tilt,
    )
    models = tuple(dataclasses.replace(each, direction_share=None) for each in state.models)
    progress = dataclasses.replace(state.progress, shells_ahead=options.incr_size)
    sigmas = options.local_sigmas()
    state = dataclasses.replace(state, models=models, grid=grid, first_grid=grid, progress=progress, sigmas=sigmas)
    told = optimiser_options3d(options, diameter=options.particle_diameter or 100.0)
    write(directory, state, source, told, command=" ".join(options.flags()))
    return read_iteration3d(OPTIMISER, directory)


@pytest.mark.parametrize("kind", RUNS)
def test_options_come_back(tmp_path: Path, kind: str) -> None:
    options = Refine.from_flags(RUNS[kind].split())
    again = saved_options3d(Refine(), saved(tmp_path, options))
    # of no use to a run that goes on
    begun = {"fn_img", "o", "ref", "denovo_3dref", "preread_images", "psi_sampling"}
    differing = {name: (value, getattr(again, name)) for name, value in options if getattr(again, name) != value}
    assert not {name: values for name, values in differing.items() if name not in begun}
    assert again.psi_step(options.healpix_order) == options.psi_step(options.healpix_order)


@pytest.mark.parametrize("kind", RUNS)
def test_the_optimiser_is_complete_for_relion(tmp_path: Path, kind: str) -> None:
    options = Refine.from_flags(RUNS[kind].split())
    read = saved(tmp_path, options)
    labels = {f"rln{label}" for label in LABELS.split()} | ({"rlnModelStarFile2"} if options.auto_refine else set())
    assert labels <= set(read.optimiser.labels)
    assert int(read.optimiser.value("rlnDoStochasticGradientDescent")) == (kind in ("grad", "sgd"))
    if kind == "grad":  # RELION 3.1's words for the same plan
        stages = [read.optimiser.value(f"rlnSgd{stage}Iterations") for stage in ("Initial", "InBetween", "Final")]
        assert stages == [30, 50, 20]
        assert read.optimiser.value("rlnNumberOfIterations") == 100
    assert read.kind == ("initial model" if kind in ("grad", "sgd") else kind)


@pytest.mark.parametrize("kind", ["class3d", "auto-refine", "sgd"])
def test_tables_alone_tell_what_relion_keeps(tmp_path: Path, kind: str) -> None:
    options = Refine.from_flags(RUNS[kind].split())
    again = saved_options3d(Refine(), dataclasses.replace(saved(tmp_path, options), words=()))
    names = "sym healpix_order limit_tilt fn_mask tau_fudge pad nr_classes particle_diameter highres_limit random_seed"
    halves = "auto_refine split_random_halves low_resol_join_halves do_solvent_fsc auto_local_healpix_order sigma_ang"
    stages = "sgd sgd_ini_iter sgd_inbetween_iter sgd_fin_iter sgd_skip_anneal"
    values = "mu grad_ini_resol grad_fin_resol grad_ini_subset grad_fin_subset grad_write_iter"
    sgd = (*stages.split(), *values.split()) if kind == "sgd" else ()
    for name in (*names.split(), *halves.split(), *sgd):
        assert getattr(again, name) == getattr(options, name), name
    assert again.iterations() == options.iterations()


def test_what_is_given_now_counts(tmp_path: Path) -> None:
    read = saved(tmp_path, Refine.from_flags(CLASS3D.split()))
    flags = "--continue x --iter 33 --healpix_order 3 --K 7 --solvent_mask new.mrc"
    given = Refine.from_flags(flags.split())
    options = saved_options3d(given, read)
    assert (options.nr_iter, options.healpix_order, options.nr_classes, options.fn_mask) == (33, 3, 2, "new.mrc")
    assert options.psi_step(3) == 7.5
    assert (options.fn_cont, options.sym) == ("x", "D2")


def copied(source: Path, directory: Path, pattern: str) -> None:
    """Copy a run's tables, unpacked, and make up the maps that they name."""
    directory.mkdir(parents=True)
    for path in source.glob(pattern):
        data = path.read_bytes()
        (directory / path.name.removesuffix(".gz")).write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
    for path in directory.glob("*_model.star"):
        tables = read_star(path)
        box = int(tables["model_general"].value("rlnOriginalImageSize"))
        for label in ("rlnReferenceImage", "rlnSGDGradientImage"):
            for name in tables["model_classes"].get(label, ()):
                array = np.random.default_rng(1).normal(size=(box, box, box)).astype(np.float32)
                write_map(directory / Path(str(name)).name, array, pixel_size=3.54)


def test_a_classification_of_the_tutorial_is_read(shared_data: Path, tmp_path: Path) -> None:
    copied(shared_data / "relion31_tutorial_meta/Class3D/job016", tmp_path / "here", "run_it025_*")
    read = read_iteration3d("run_it025_optimiser.star", tmp_path / "here")
    options = saved_options3d(Refine(), read)
    assert (read.kind, read.iteration, len(read.models), read.models[0].classes) == ("class3d", 25, 1, 4)
    assert (options.nr_classes, options.tau_fudge, options.sym, options.healpix_order) == (4, 4.0, "C1", 2)
    assert (options.offset_range, options.offset_step, options.psi_step(2)) == (5.0, 1.0, 15.0)
    assert (options.particle_diameter, options.nr_iter) == (200.0, 25)
    model = read.models[0]
    assert model.direction_share is not None
    np.testing.assert_allclose(model.direction_share.sum(axis=1), model.class_share, atol=1e-4)
    spectra = read.spectra[0]
    known = spectra.noise[:, 1:] > 0
    ratio = spectra.tau2[:, 1:][known] / spectra.noise[:, 1:][known]
    np.testing.assert_allclose(ratio, spectra.ssnr[:, 1:][known], rtol=0.01, atol=1e-6)


def test_an_initial_model_of_the_tutorial_is_read(shared_data: Path, tmp_path: Path) -> None:
    copied(shared_data / "relion31_tutorial_meta/InitialModel/job015", tmp_path / "here", "run_it150_*")
    read = read_iteration3d("run_it150_optimiser.star", tmp_path / "here")
    options = saved_options3d(Refine(), read)
    assert (read.kind, options.sgd, options.iterations()) == ("initial model", True, 150)
    plan = options.gradient()
    assert plan is not None
    assert (plan.initial_batch, plan.final_batch, plan.final_resolution, plan.momentum) == (100, 500, 15.0, 0.9)
    assert read.gradients is not None
    assert read.gradients.shape == (1, 64, 64, 64)


def test_half_sets_of_relion_2_1_are_read_in_angstrom(shared_data: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    source = shared_data / "empiar10017_betagal_relion21/Refine3D/job020"
    copied(source, here, "run_it013_*")
    # half-set 2 and the particles are not shared: take half-set 1 twice, and two particles
    for ending in ("model.star", "class001.mrc"):
        shutil.copyfile(here / f"run_it013_half1_{ending}", here / f"run_it013_half2_{ending}")
    rows = "1@a.mrcs 1 4.0 -2.0 1 5.0 10000\n2@a.mrcs 2 0.0 1.0 2 5.0 10000\n"
    labels = "rlnImageName rlnGroupNumber rlnOriginX rlnOriginY rlnRandomSubset rlnDetectorPixelSize rlnMagnification"
    head = "".join(f"_{label} #{n}\n" for n, label in enumerate(labels.split(), 1))
    more = "_rlnVoltage #8\n_rlnSphericalAberration #9\n_rlnAmplitudeContrast #10\n"
    rows = rows.replace("\n", " 300 2.7 0.1\n")
    (here / "run_it013_data.star").write_text(f"data_\n\nloop_\n{head}{more}{rows}")
    read = read_iteration3d("run_it013_optimiser.star", here)
    assert (read.kind, len(read.models), read.sigmas) == ("auto-refine", 2, (1.875, 1.875, 1.875))
    assert read.models[0].offset_sigma == pytest.approx(1.830412 * 3.54)
    assert read.grid.offset_step == pytest.approx(0.5445 * 3.54)
    assert read.offsets == pytest.approx([0.324 * 3.54])
    assert (read.progress.without_gain, read.progress.without_change, read.progress.best_shell) == (2, 2, 38)
    assert read.progress.smallest_angles == pytest.approx(0.568134)
    origins = poses_of(read.table, np.zeros(2, int)).origin
    np.testing.assert_allclose(origins, [[20.0, -10.0], [0.0, 5.0]])
    assert saved_options3d(Refine(), read).auto_refine
