"""What `relionlab refine` says to bad input of 3D runs, before it computes anything; and odd input with which it ends well.

kind                                                  error           what the message names
----------------------------------------------------  --------------  ------------------------------------------------
unknown symmetry                                      ParameterError  what was typed, how groups are called
no reference, and none to be made                     ParameterError  --ref
reference missing                                     NodeError       file
reference of another box                              ImageError      file, both sizes, --trust_ref_size
reference of another pixel size                       ImageError      file, both sizes, --trust_ref_size
reference with NaN                                    ImageError      file
empty reference                                       ImageError      file
reference that is a stack of images                   ImageError      file, its sizes
mask missing                                          NodeError       file, --solvent_mask
mask of another box                                   ImageError      file, both sizes
mask with NaN                                         ImageError      file
mask with values beyond 0 to 1                        ImageError      file, its values
odd box                                               ImageError      stack, size, the command that windows
truncated stack                                       ImageError      stack, again
file that is no MRC file                              ImageError      stack
no pixel size in the optics table                     StarError       file, column
no voltage in the optics table                        StarError       file, column
no optics table                                       StarError       file, columns
angle NaN                                             StarError       file, column, how many
--skip_align without angles                           StarError       file, column, what to give
--skip_align with angles that are all 0               StarError       file, what to give
local searches without angles                         StarError       file, column, what to give
auto-refinement, local from the beginning             StarError       file, column, both orders
a half-set of one particle                            StarError       file, both numbers
a half-set 3                                          StarError       file, column, number
three particles for two halves                        ParameterError  number
particles twice, of which poses are searched          StarError       file, image, --skip_align
copies in one pose                                    StarError       file, image, what to do
copies of an image in both half-sets                  StarError       file, column, image
--skip_rotate without angles                          StarError       file, column, what to give
a search of one angle without angles                  StarError       file, column, what to give
--skip_rotate, --local_offsets with a gradient        ParameterError  the flags
more classes than particles                           ParameterError  both numbers
auto-refinement of two classes                        ParameterError  --K
a file that the optimiser names missing               NodeError       both files
a map of the optimiser missing                        NodeError       both files
a map of the optimiser with another box               ImageError      both files, both sizes
optimiser with fewer groups than the particles        ParameterError  file, both numbers
optimiser of the end of a refinement                  NodeError       file, what to give
--iter not above the iteration that is continued      ParameterError  both numbers
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ComputeError, ImageError, InputError, NodeError, ParameterError, StarError
from relionlab.io.images import read_map, read_stack, write_map, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from tests.jobs.class2d_runs import BOX, COUNT, PIXEL_SIZE, STACK, STAR, refine
from tests.jobs.refine3d_runs import TRUTH, Result, arguments, result
from tests.jobs.test_refine_bad_input import change, change_images, check_refused, cut, some

POSES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")


def give_poses(value: float | None = None) -> None:
    rng = np.random.default_rng(1)
    change(**{label: rng.uniform(1, 90, COUNT) if value is None else np.full(COUNT, value) for label in POSES})


def reference(side: int = BOX, value: float | None = None, pixel_size: float = PIXEL_SIZE) -> None:
    map_ = read_map(TRUTH)[0]
    if value is not None:
        map_ = np.full_like(map_, value)
    start = (BOX - side) // 2
    map_ = np.pad(map_, max(-start, 0)) if start < 0 else map_[(slice(start, start + side),) * 3]
    write_map("ref.mrc", map_, pixel_size=pixel_size)


def mask(side: int = BOX, value: float = 1.0) -> None:
    write_map("mask.mrc", np.full((side,) * 3, value, np.float32), pixel_size=PIXEL_SIZE)


def halves(*first: int, other: int = 2) -> None:
    values = np.full(COUNT, other)
    values[list(first)] = 1
    change(rlnRandomSubset=values)


def few(count: int) -> None:
    write_particles(STAR, read_particles(STAR).rows(slice(0, count)))


def zero_tilts() -> None:
    table = read_particles(STAR)
    write_particles(STAR, table.with_columns({"rlnAngleTilt": np.zeros(len(table))}))


def twice(*, turned: float = 0.0, apart: bool = False) -> None:
    """List every particle a second time, turned; in the other half-set if ``apart``."""
    give_poses()
    table = read_particles(STAR)
    rows = table.rows(np.repeat(np.arange(COUNT), 2))
    second = np.arange(2 * COUNT) % 2
    columns = {"rlnAngleRot": rows.particles["rlnAngleRot"] + turned * second}
    write_particles(STAR, rows.with_columns({**columns, **({"rlnRandomSubset": second + 1} if apart else {})}))


def without_optics(label: str) -> None:
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics.without(label), table.particles))


def no_optics() -> None:
    write_star(STAR, [read_star(STAR)["particles"]])


REF = ("--ref", "ref.mrc")
MASK = ("--solvent_mask", "mask.mrc")
# kind: (what is done, which run, further arguments, error, words that the message must have)
Case = tuple[Callable[[], object], str, tuple[str, ...], type[InputError], list[str]]
SPOILT: dict[str, Case] = {
    "symmetry": (lambda: None, "Class3D", ("--sym", "Q7"), ParameterError, ["Q7", "C1, C2", "--sym"]),
    "no reference": (lambda: None, "Refine3D", ("--ref", ""), ParameterError, ["--ref"]),
    "reference missing": (lambda: None, "Class3D", REF, NodeError, ["ref.mrc"]),
    "reference's box": (lambda: reference(24), "Class3D", REF, ImageError, ["ref.mrc", "24", "32", "--trust_ref_size"]),
    "reference's pixels": (
        lambda: reference(pixel_size=5.0),
        "Refine3D",
        REF,
        ImageError,
        ["ref.mrc", "5 Å", "8 Å", "--trust_ref_size"],
    ),
    "reference NaN": (lambda: reference(value=np.nan), "Refine3D", REF, ImageError, ["ref.mrc", "NaN"]),
    "reference empty": (lambda: reference(value=0.0), "Class3D", REF, ImageError, ["ref.mrc", "empty"]),
    "reference a stack": (lambda: None, "Refine3D", ("--ref", STACK), ImageError, [STACK, "150 × 32 × 32", "cube"]),
    "mask missing": (lambda: None, "Refine3D", MASK, NodeError, ["mask.mrc", "--solvent_mask"]),
    "mask's box": (lambda: mask(24), "Refine3D", MASK, ImageError, ["mask.mrc", "24", "32"]),
    "mask NaN": (lambda: mask(value=np.nan), "Class3D", MASK, ImageError, ["mask.mrc", "NaN"]),
    "mask's values": (
        lambda: mask(value=3.0),
        "Class3D",
        MASK,
        ImageError,
        ["mask.mrc", "3", "between 0", "1 (particle)"],
    ),
    "odd": (
        lambda: change_images(lambda i: i[:, 1:, 1:]),
        "Refine3D",
        (),
        ImageError,
        [STACK, "31 px", "--window 30"],
    ),
    "truncated": (cut, "InitialModel", (), ImageError, [STACK, "cut off", "again"]),
    "no MRC": (lambda: Path(STACK).write_bytes(b"hello" * 1000), "Class3D", (), ImageError, [STACK]),
    "no pixel size": (
        lambda: without_optics("rlnImagePixelSize"),
        "Refine3D",
        (),
        StarError,
        [STAR, "rlnImagePixelSize"],
    ),
    "no voltage": (lambda: without_optics("rlnVoltage"), "Refine3D", (), StarError, [STAR, "rlnVoltage"]),
    "no optics": (no_optics, "Class3D", (), StarError, [STAR, "rlnVoltage"]),
    "angle NaN": (
        lambda: (give_poses(), some("rlnAngleTilt", np.nan)),
        "Class3D",
        ("--skip_align",),
        StarError,
        [STAR, "rlnAngleTilt", "2 of 150"],
    ),
    "kept angles": (lambda: None, "Class3D", ("--skip_align",), StarError, [STAR, "rlnAngleRot", "run_data.star"]),
    "angles 0": (lambda: give_poses(0.0), "Class3D", ("--skip_align",), StarError, [STAR, "all angles are 0"]),
    "local": (lambda: None, "Class3D", ("--sigma_ang", "5"), StarError, [STAR, "rlnAngleRot", "run_data.star"]),
    "local auto": (
        lambda: None,
        "Refine3D",
        ("--healpix_order", "3", "--auto_local_healpix_order", "3"),
        StarError,
        [STAR, "--healpix_order 3", "--auto_local_healpix_order 3"],
    ),
    "small half": (lambda: halves(4), "Refine3D", (), StarError, [STAR, "1 and 149"]),
    "third half": (lambda: halves(4, 5, 6, other=3), "Refine3D", (), StarError, [STAR, "rlnRandomSubset is 3", "147"]),
    "three particles": (lambda: few(3), "Refine3D", (), ParameterError, ["3 particles", "at least 4"]),
    "copies": (lambda: twice(turned=90), "Class3D", (), StarError, [STAR, "150 particles twice", "--skip_align"]),
    "copies in one pose": (
        twice,
        "Class3D",
        ("--skip_align",),
        StarError,
        [STAR, "150 particles twice in the same pose", "000001@"],
    ),
    "copies apart": (
        lambda: twice(turned=90, apart=True),
        "Refine3D",
        ("--sigma_ang", "5"),
        StarError,
        [STAR, "150 images", "both half-sets", "rlnRandomSubset"],
    ),
    "one angle": (lambda: None, "Class3D", ("--sigma_rot", "5"), StarError, [STAR, "no column rlnAngleRot"]),
    "one angle, 0": (zero_tilts, "Class3D", ("--sigma_tilt", "5"), StarError, [STAR, "all angles are 0"]),
    "offsets alone": (lambda: None, "Class3D", ("--skip_rotate",), StarError, [STAR, "no column rlnAngleRot"]),
    "auto offsets": (lambda: None, "Refine3D", ("--skip_rotate",), ParameterError, ["--skip_rotate keeps all angles"]),
    "gradient offsets": (lambda: None, "InitialModel", ("--skip_rotate",), ParameterError, ["--skip_rotate", "--sgd"]),
    "gradient near": (lambda: None, "InitialModel", ("--local_offsets",), ParameterError, ["--local_offsets", "--sgd"]),
    "too many K": (lambda: few(3), "Class3D", ("--K", "4"), ParameterError, ["is 4", "3 particles"]),
    "K of auto": (lambda: None, "Refine3D", ("--K", "2"), ParameterError, ["--K"]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_bad_input_is_refused_before_anything_is_computed(tiny, kind):
    spoil, job, more, error, words = SPOILT[kind]
    spoil()
    check_refused(arguments(job, *more), error, words)
    assert not list(tiny.glob("*3D/**/run*")), "files of a run that was refused"


# --- continuing -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory, simulated) -> Path:
    """A folder with a refinement of two iterations, to its end."""
    directory = tmp_path_factory.mktemp("finished3d")
    (directory / "data").symlink_to(simulated / "data")
    refine(directory, arguments("Refine3D", "--auto_iter_max", "2"))
    return directory


@pytest.fixture
def continued(finished, tmp_path, monkeypatch) -> str:
    """A copy of it; its last optimiser."""
    shutil.copytree(finished, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return "Refine3D/a/run_it002_optimiser.star"


def lose_groups(optimiser: str) -> None:
    for half in (1, 2):
        model = optimiser.replace("_optimiser", f"_half{half}_model")
        tables = read_star(model)
        write_star(model, {**tables, "model_groups": tables["model_groups"].rows(slice(0, 1))})


def other_box(optimiser: str) -> None:
    write_map(optimiser.replace("optimiser.star", "half1_class001.mrc"), np.ones((16,) * 3, np.float32), pixel_size=8.0)


def at_the_end(optimiser: str) -> None:
    shutil.copy("Refine3D/a/run_optimiser.star", optimiser)


CONTINUED: dict[str, tuple[Callable[[str], object], type[InputError], list[str]]] = {
    "groups": (lose_groups, ParameterError, ["run_it002_optimiser.star", "1 noise groups", "2"]),
    "other box": (other_box, ImageError, ["run_it002_optimiser.star", "half1_class001.mrc", "16 × 16", "32 × 32"]),
    "the end": (at_the_end, NodeError, ["run_it002_optimiser.star", "end of an auto-refinement", "run_itNNN"]),
    **{
        part: (
            lambda o, part=part: Path(o.replace("_optimiser.star", f"_{part}")).unlink(),
            NodeError,
            ["run_it002_optimiser.star", f"run_it002_{part}", "not there"],
        )
        for part in ("half2_model.star", "data.star", "sampling.star", "half2_class001.mrc")
    },
}


@pytest.mark.parametrize("kind", CONTINUED)
def test_what_cannot_be_continued_is_refused(continued, kind):
    spoil, error, words = CONTINUED[kind]
    spoil(continued)
    check_refused(["--continue", continued, "--o", "Refine3D/b/run"], error, words)
    assert not list(Path().glob("Refine3D/b/run*"))


def test_a_classification_that_is_done_is_not_continued(tiny):
    refine(tiny, arguments("Class3D", "--K", "1", "--iter", "1"))
    flags = ["--continue", "Class3D/a/run_it001_optimiser.star", "--o", "Class3D/b/run", "--iter", "1"]
    check_refused(flags, ParameterError, ["--iter", "is 1", "iteration 1", "more than 1"])


# --- runs that end well ----------------------------------------------------------------------------------------------


SHORT = {
    "Class3D": ("--K", "1", "--iter", "2"),
    "Refine3D": ("--auto_iter_max", "2"),
    "InitialModel": ("--sgd_ini_iter", "2", "--sgd_inbetween_iter", "2", "--sgd_fin_iter", "2"),
}
EACH = ["Class3D", "Refine3D", pytest.param("InitialModel", marks=pytest.mark.full)]


def last(kind: str) -> Result:
    return {"Class3D": result(kind, 2), "Refine3D": Result("Refine3D/a/run"), "InitialModel": result(kind, 6)}[kind]


@pytest.mark.parametrize("kind", EACH)
def test_particles_without_numbers_are_named_and_set_aside(tiny, kind):
    images = read_stack(STACK)
    images[3], images[50, 10, 10], images[149] = np.nan, np.inf, 7.0
    write_stack(STACK, images, pixel_size=PIXEL_SIZE)
    told = refine(tiny, arguments(kind, *SHORT[kind]))
    warning = next(line for line in told.warnings if "set aside" in line)
    for number in (4, 51, 150):
        assert f"{number:06d}@{STACK}" in warning
    assert len(read_particles(f"{kind}/a/run_set_aside.star")) == 3
    assert len(last(kind).particles) == COUNT - 3
    finite(last(kind))


@pytest.mark.parametrize("kind", [*EACH, "Refine3D, one half"])
def test_a_group_of_two_particles_is_named_and_does_not_spoil_the_rest(tiny, kind):
    """Of half-sets the group may lie in one of them alone."""
    kind, _, together = kind.partition(", ")
    names = read_particles(STAR).particles["rlnMicrographName"].copy()
    names[[4, 9]] = "lonely.mrc"
    change(rlnMicrographName=names)
    if kind == "Refine3D":
        some = np.arange(COUNT) % 2 + 1
        some[[4, 9]] = [1, 1] if together else [1, 2]
        change(rlnRandomSubset=some)
    told = refine(tiny, arguments(kind, *SHORT[kind]))
    assert any("lonely.mrc" in warning and "fewer than" in warning for warning in told.warnings)
    finite(last(kind))
    for model in Path(f"{kind}/a").glob("run*_model.star"):
        groups = read_star(model)["model_groups"]
        assert np.all((groups["rlnGroupScaleCorrection"] > 0.2) & (groups["rlnGroupScaleCorrection"] < 5)), model


def test_a_half_set_that_is_left_without_particles_is_refused(tiny):
    """Two particles in a half, of which one holds no numbers."""
    halves(4, 9)
    images = read_stack(STACK)
    images[4] = np.nan
    write_stack(STACK, images, pixel_size=PIXEL_SIZE)
    check_refused(arguments("Refine3D"), StarError, [STAR, "1 and 148", "at least 2"])
    assert not list(Path().glob("Refine3D/a/run_it*"))


@pytest.mark.parametrize("first", [(4, 9), tuple(range(10))])
def test_a_half_set_of_few_particles_refines_to_an_end(tiny, first):
    halves(*first)
    refine(tiny, arguments("Refine3D", "--auto_iter_max", "2"))
    finite(Result("Refine3D/a/run"))
    assert np.sum(Result("Refine3D/a/run").particles.particles["rlnRandomSubset"] == 1) == len(first)


def test_more_classes_than_the_particles_fill_end_well(tiny):
    few(100)
    told = refine(tiny, arguments("Class3D", "--K", "4", "--iter", "3"))
    finite(result("Class3D", 3))
    assert len(result("Class3D", 3).maps) == 4
    assert told.warnings == []


def test_an_empty_class_stays_and_is_written(tiny):
    """Eight classes of eight particles, six of which end with one class or another."""
    few(8)
    refine(tiny, arguments("Class3D", "--K", "8", "--iter", "3"))
    finite(result("Class3D", 3))
    shares = read_star("Class3D/a/run_it003_model.star")["model_classes"]["rlnClassDistribution"]
    assert shares.min() < 0.01
    assert shares.sum() == pytest.approx(1)


def finite(left: Result) -> None:
    for name, map_ in left.maps.items():
        assert np.isfinite(map_).all(), name
    particles = left.particles.particles
    for label in ("rlnAngleRot", "rlnOriginXAngst", "rlnNormCorrection", "rlnLogLikeliContribution"):
        assert np.isfinite(particles[label]).all(), label


def test_a_mask_of_another_box_is_resized_on_demand(tiny):
    mask(24, 0.5)
    map_ = read_map("mask.mrc")[0]
    map_[4:-4, 4:-4, 4:-4] = 1
    write_map("mask.mrc", map_, pixel_size=PIXEL_SIZE)
    told = refine(tiny, arguments("Class3D", *MASK, "--trust_ref_size", "--K", "1", "--iter", "1"))
    assert any("mask.mrc of 24 px" in line and "32 px" in line for line in told.said)
    finite(result("Class3D", 1))


def test_a_reference_of_inverted_contrast_is_told(tiny):
    write_map("ref.mrc", -read_map(TRUTH)[0], pixel_size=PIXEL_SIZE)
    with pytest.raises(ComputeError, match=r"contrast is inverted.*--multiply_constant -1"):
        refine(tiny, arguments("Class3D", *REF, "--K", "1"))
    assert not list(Path().glob("Class3D/a/run_it*"))


def test_good_input_gives_no_warning_at_all(tiny):
    assert refine(tiny, arguments("Class3D", "--K", "1", "--iter", "1")).warnings == []
