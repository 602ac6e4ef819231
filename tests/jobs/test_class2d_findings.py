"""What a 2D classification says of foreign particles before it computes: the same as ``relionlab preprocess``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.fourier import irfft2_centred, rfft2_centred
from relionlab.engine.masks import soft_circle
from relionlab.errors import ImageError, StarError
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.extraction.program import Preprocess
from relionlab.jobs.particles.ctfs import ctf_of_rows
from relionlab.jobs.refinement.input import Dataset, read_dataset, read_table
from relionlab.jobs.refinement.program import Refine
from tests.jobs.class2d_runs import STACK, STAR, Quiet, arguments, simulate

COUNT, BOX, PIXEL_SIZE = 200, 64, 3.6
DIAMETER = f"{0.75 * BOX * PIXEL_SIZE}"  # background is what preprocess takes for it


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Particles whose box shows what the CTF does."""
    directory = tmp_path_factory.mktemp("foreign")
    simulate(directory, count=COUNT, box=BOX, pixel_size=PIXEL_SIZE, snr=0.5, ice=0.0)
    return directory


@pytest.fixture(autouse=True)
def copied(here: Path, foreign: Path) -> None:
    """A copy of them in the working directory."""
    shutil.copytree(foreign / "data", here / "data")


def change(changed: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Change the images, given their CTF."""
    images = read_stack(STACK)
    ctf = ctf_of_rows(read_particles(STAR), np.arange(COUNT), BOX)
    write_stack(STACK, changed(images, ctf).astype(np.float32), pixel_size=PIXEL_SIZE)


def through(images: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return irfft2_centred(rfft2_centred(images) * factor, BOX)


def turned(images: np.ndarray) -> np.ndarray:
    angles = np.random.default_rng(0).uniform(0, 360, len(images))
    pairs = zip(images, angles, strict=True)
    return np.stack([ndimage.rotate(image, angle, order=1, reshape=False, mode="wrap") for image, angle in pairs])


def warnings(*flags: str, star: str = STAR, without: tuple[str, ...] = ()) -> list[str]:
    """Return what is said while the particles are read; nothing is computed."""
    context = Quiet(Path.cwd())
    given = arguments("--particle_diameter", DIAMETER, *flags, star=star, without=without)
    read_dataset(read_table(star, context), Refine.from_flags(given), context, root="run")
    return context.warnings


def read(context: Quiet) -> Dataset:
    options = Refine.from_flags(arguments("--particle_diameter", DIAMETER))
    return read_dataset(read_table(STAR, context), options, context, root="run")


def preprocessing_warnings(*flags: str) -> list[str]:
    context = Quiet(Path.cwd())
    Preprocess.from_flags(["--operate_on", STAR, "--operate_out", "out.mrcs", *flags]).run(context)
    return context.warnings


SPOILT = {
    "flipped already": lambda images, ctf: through(images, np.sign(ctf)),
    "multiplied by their CTF": through,
    "are masked": lambda images, _: images * soft_circle(BOX, 25, 5),
    "been interpolated": lambda images, _: turned(images),
    "low-pass filtered": lambda images, _: ndimage.gaussian_filter(images, (0, 2, 2)),
    "black on white": lambda images, _: -images,
    "not normalised": lambda images, _: images + 5,
}


@pytest.mark.parametrize("words", SPOILT)
def test_foreign_particles_are_judged_as_preprocess_judges_them(words: str) -> None:
    change(SPOILT[words])
    said = warnings("--dont_check_norm")
    assert any(words in warning for warning in said)
    assert sorted(said) == sorted(preprocessing_warnings())


def test_good_particles_are_passed_over_in_silence() -> None:
    assert warnings() == []


def test_flipped_phases_are_no_fault_where_they_are_told_or_no_ctf_is_corrected() -> None:
    change(SPOILT["flipped already"])
    assert any("--ctf_phase_flipped" in warning for warning in warnings())
    assert warnings("--ctf_phase_flipped") == []
    assert warnings(without=("--ctf",)) == []


def test_phases_said_to_be_flipped_that_are_not() -> None:
    assert any("said to be phase-flipped" in warning for warning in warnings("--ctf_phase_flipped"))


def test_the_ctf_may_be_without_astigmatism() -> None:
    change(SPOILT["flipped already"])
    table = read_particles(STAR)
    write_particles(
        STAR, Particles(table.optics, table.particles.without("rlnDefocusV", "rlnDefocusAngle", "rlnPhaseShift"))
    )
    assert any("flipped already" in warning for warning in warnings())


def test_images_that_would_waste_the_run_stop_it_and_all_else_is_said_first() -> None:
    change(lambda images, _: 5 - images)
    context = Quiet(Path.cwd())
    options = Refine.from_flags(arguments("--particle_diameter", DIAMETER))
    with pytest.raises(ImageError, match=r"not normalised.*--dont_check_norm"):
        read_dataset(read_table(STAR, context), options, context, root="run")
    assert any("black on white" in warning for warning in context.warnings)


def two_groups(**second: float) -> None:
    """Put the second half of the particles into a second optics group, "later"."""
    table = read_particles(STAR)
    optics = {label: np.repeat(table.optics[label], 2) for label in table.optics.labels}
    optics |= {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["earlier", "later"]}
    optics |= {label: [0.0, value] for label, value in second.items()}
    rows = table.particles.with_columns(rlnOpticsGroup=np.arange(COUNT) * 2 // COUNT + 1)
    write_particles(STAR, Particles(Table(optics, "optics"), rows))


def test_each_optics_group_is_judged_by_itself_and_named() -> None:
    two_groups()
    change(lambda images, _: np.where(np.arange(COUNT)[:, None, None] < COUNT // 2, images, -images))
    (said,) = warnings()
    assert said.startswith("Warning: Optics group later: The particles seem to be black on white")
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics.without("rlnOpticsGroupName"), table.particles))
    assert warnings() == [said.replace("later", "2")]


def state(**optics: object) -> None:
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics.with_columns(optics), table.particles))


MAGNIFIED = {"rlnMagMat00": 1.02, "rlnMagMat01": 0.01, "rlnMagMat10": -0.005, "rlnMagMat11": 0.97}


def test_aberrations_reach_the_engine_and_are_no_fault() -> None:
    assert read(Quiet(Path.cwd())).optics[0].aberrations == Aberrations()
    state(rlnBeamTiltX=0.4, rlnBeamTiltY=-0.3, rlnOddZernike="[0.01,2,3]", rlnEvenZernike="[0,0,-2.5]", **MAGNIFIED)
    context = Quiet(Path.cwd())
    (group,) = read(context).optics
    assert context.warnings == []
    assert group.aberrations == Aberrations(
        odd=(0.01, 2, 3), even=(0, 0, -2.5), tilt_mrad=(0.4, -0.3), magnification=((1.02, 0.01), (-0.005, 0.97))
    )


def test_coma_that_is_stated_twice_counts_as_beam_tilt_and_is_said() -> None:
    state(rlnOddZernike="[0.1,0,0.2,5,-6,0.3]")
    context = Quiet(Path.cwd())
    assert read(context).optics[0].aberrations.odd == (0.1, 0, 0.2, 5, -6, 0.3)
    assert context.warnings == []
    state(rlnBeamTiltX=0.0, rlnBeamTiltY=0.0)
    context = Quiet(Path.cwd())
    assert read(context).optics[0].aberrations.odd == (0.1, 0, 0.2, 0, 0, 0.3)
    (said,) = context.warnings
    assert "Optics group opticsGroup1 has coma in rlnOddZernike" in said
    assert "remove both columns" in said


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"rlnBeamTiltX": np.nan}, "rlnBeamTiltX"),
        ({"rlnEvenZernike": "[0,inf]"}, "rlnEvenZernike"),
        (MAGNIFIED | {"rlnMagMat11": 0.0}, "rlnMagMat00 … 11 is 1.02, 0.01, -0.005, 0; expected one near 1, 0, 0, 1"),
        (MAGNIFIED | {"rlnMagMat00": np.nan}, "rlnMagMat00 … 11 is nan"),
    ],
)
def test_aberrations_that_cannot_be_are_refused(columns: dict[str, object], words: str) -> None:
    state(**columns)
    with pytest.raises(StarError, match=f"Optics group opticsGroup1: .*{words}.*emove") as caught:
        read(Quiet(Path.cwd()))
    assert "expected" in str(caught.value)


def test_aberrations_that_are_no_numbers_are_refused() -> None:
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics.with_columns(rlnOddZernike="[0,much]"), table.particles))
    with pytest.raises(StarError, match=r"rlnOddZernike is '\[0,much\]'; expected numbers"):
        warnings()


def test_a_bare_stack_without_pixel_size_is_refused() -> None:
    with Path(STACK).open("r+b") as stack:
        stack.seek(40)
        stack.write(bytes(12))  # the size of the cell
    with pytest.raises(ImageError, match=rf"{STACK} does not say its pixel size.*--angpix"):
        warnings(star=STACK, without=("--ctf",))
