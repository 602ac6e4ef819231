"""What `relionlab refine` says to bad input, before it computes anything.

kind                                                  error           what the message names
----------------------------------------------------  --------------  ------------------------------------------------
truncated stack                                       ImageError      stack, size found and promised, write it again
stack shorter than the STAR file says                 ImageError      stack, number of images, number asked for
stack missing                                         ImageError      stack
file that is no MRC file                              ImageError      stack
all images NaN                                        ImageError      number, extract again
box contradicts the optics table                      ImageError      stack, both sizes, rlnImageSize
odd box                                               ImageError      stack, size, the command that windows
images not square                                     ImageError      stack, sizes, the command that windows
images of two sizes in one optics group               ImageError      both stacks and sizes
pixel size of header and table differ                 ImageError      stack, both sizes, rlnImagePixelSize
image name without a number to it                     ImageError      name, how it should look
no column rlnDefocusU with --ctf                      StarError       file, column, how to do without
defocus 0                                             StarError       file, column, how many
defocus NaN                                           StarError       file, column, how many
defocus in µm                                         StarError       file, column, both units
voltage 0, or in V                                    StarError       file, column, unit
resolution limit coarser than the particle            ParameterError  the flag, both numbers
no column rlnImageName                                StarError       file, column
image named twice                                     StarError       file, an image, how to remove them
no particles                                          StarError       file
file without a table                                  StarError       file
text where a number belongs                           StarError       file, column, text
unknown optics group                                  StarError       file, group, groups that are there
pixel size 0                                          StarError       file, column
subtomograms                                          ParameterError  file, what can be done
particles multiplied by their CTF                     ParameterError  file, column
particles STAR missing                                NodeError       file
mask larger than the box                              ParameterError  both sizes
K = 0                                                 ParameterError  K, bounds
more classes than particles                           ParameterError  both numbers
negative step                                         ParameterError  flag, what was typed, bounds of the flag
unknown flag                                          ParameterError  flag, nearest flag
flag without its value                                ParameterError  flag
text where a number belongs on the command line       ParameterError  text
background not normalised                             ImageError      mean, deviation, the command, --dont_check_norm
references of another size                            ImageError      file, both sizes
references missing                                    NodeError       file
references with NaN                                   ImageError      file
output below a file                                   ParameterError  directory
output directory that cannot be written to            ParameterError  directory
--iter not above the iteration that is continued      ParameterError  both numbers
--i with --continue                                   ParameterError  both flags
optimiser missing                                     NodeError       file
a file that the optimiser names missing               NodeError       both files
class averages of the optimiser missing               NodeError       both files
optimiser of a 3D refinement                          NodeError       file, 3D
a file that is no optimiser                           StarError       file, table
optimiser with one half of its groups                 ParameterError  file, both numbers

Black particles on white are a warning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError, InputError, NodeError, ParameterError, StarError
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.class2d import Class2D
from tests.jobs.class2d_runs import BOX, COUNT, DIAMETER, PIXEL_SIZE, STACK, STAR, arguments, refine


def change(**columns: object) -> None:
    write_particles(STAR, read_particles(STAR).with_columns(columns))


def leave_out(label: str) -> None:
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics, table.particles.without(label)))


def change_optics(**columns: object) -> None:
    table = read_particles(STAR)
    write_particles(STAR, Particles(table.optics.with_columns(columns), table.particles))


def change_images(changed: Callable[[np.ndarray], np.ndarray], pixel_size: float = PIXEL_SIZE) -> None:
    write_stack(STACK, changed(read_stack(STACK)), pixel_size=pixel_size)


def edit(file: str, old: str, new: str, count: int = 1) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, count))


def cut() -> None:
    os.truncate(STACK, Path(STACK).stat().st_size - 5000)


def second_stack() -> None:
    write_stack("data/large.mrcs", np.zeros((1, BOX + 2, BOX + 2), np.float32), pixel_size=PIXEL_SIZE)
    names = read_particles(STAR).particles["rlnImageName"].copy()
    names[7] = "000001@data/large.mrcs"
    change(rlnImageName=names)


def name_twice() -> None:
    names = read_particles(STAR).particles["rlnImageName"].copy()
    names[7] = names[3]
    change(rlnImageName=names)


def some(label: str, value: float) -> None:
    values = read_particles(STAR).particles[label].copy()
    values[[4, 9]] = value
    change(**{label: values})


def no_rows() -> None:
    write_particles(STAR, read_particles(STAR).rows(slice(0, 0)))


def references(shape: tuple[int, ...], value: float = 1.0) -> None:
    write_stack("refs.mrcs", np.full(shape, value, np.float32), pixel_size=PIXEL_SIZE)


def file_in_the_way() -> None:
    Path("Class2D").write_text("not a directory")


def locked() -> None:
    Path("Class2D/a").mkdir(parents=True)
    Path("Class2D/a").chmod(0o555)


# kind: (what is done, further arguments, error, words that the message must have)
SPOILT: dict[str, tuple[Callable[[], object], list[str], type[InputError], list[str]]] = {
    "truncated": (cut, [], ImageError, [STACK, "cut off", f"{COUNT} images", "again"]),
    "short": (lambda: change_images(lambda i: i[:100]), [], ImageError, [STACK, "has 100 images", "number 101"]),
    "no stack": (lambda: Path(STACK).unlink(), [], ImageError, [STACK]),
    "no MRC": (lambda: Path(STACK).write_bytes(b"hello" * 1000), [], ImageError, [STACK]),
    "all NaN": (lambda: change_images(lambda i: i * np.nan), [], ImageError, [f"All {COUNT}", "NaN", "again"]),
    "box": (lambda: change_optics(rlnImageSize=64), [], ImageError, [STACK, "32 px", "rlnImageSize 64"]),
    "odd": (lambda: change_images(lambda i: i[:, 1:, 1:]), [], ImageError, [STACK, "31 px", "--window 30"]),
    "oblong": (lambda: change_images(lambda i: i[:, :28]), [], ImageError, [STACK, "32 × 28", "--window 28"]),
    "two sizes": (second_stack, [], ImageError, ["large.mrcs", "34", STACK, "32", "alike"]),
    "pixel size": (lambda: change_images(lambda i: i, 4.0), [], ImageError, [STACK, "4 Å", "8 Å", "rlnImagePixelSize"]),
    "image name": (
        lambda: edit(STAR, "000001@data", "first@data"),
        [],
        ImageError,
        ["first@data", "NUMBER@FILE"],
    ),
    "no defocus": (lambda: leave_out("rlnDefocusU"), [], StarError, [STAR, "rlnDefocusU", "--ctf"]),
    "defocus 0": (lambda: some("rlnDefocusU", 0.0), [], StarError, [STAR, "rlnDefocusU", "2 of 150", "--ctf"]),
    "defocus NaN": (lambda: some("rlnDefocusV", np.nan), [], StarError, [STAR, "rlnDefocusV", "2 of 150"]),
    "defocus in µm": (
        lambda: change(rlnDefocusU=np.full(COUNT, 1.5), rlnDefocusV=np.full(COUNT, 1.5)),
        [],
        StarError,
        [STAR, "rlnDefocusU", "1.5", "not µm", "--multiply_by 10000"],
    ),
    "voltage in V": (lambda: change_optics(rlnVoltage=3e5), [], StarError, [STAR, "rlnVoltage", "300000 kV", "as 300"]),
    "resolution limit": (
        lambda: None,
        ["--strict_highres_exp", "1000"],
        ParameterError,
        ["--strict_highres_exp", "1000", f"{DIAMETER:.0f} Å"],
    ),
    "voltage 0": (lambda: change_optics(rlnVoltage=0.0), [], StarError, [STAR, "rlnVoltage", "kV"]),
    "no images": (lambda: leave_out("rlnImageName"), [], StarError, [STAR, "rlnImageName"]),
    "twice": (name_twice, [], StarError, [STAR, "000004@data/particles.mrcs", "duplicates"]),
    "empty": (no_rows, [], StarError, [STAR, "no particles"]),
    "no table": (lambda: Path(STAR).write_text("data_particles\n\nnothing here\n"), [], StarError, [STAR]),
    "text": (
        lambda: Path(STAR).write_text(
            re.sub(r"(?m)^( +\S+ +\S+ +mic001.mrc +1 +)\S+", r"\1unknown", Path(STAR).read_text(), count=1)
        ),
        [],
        StarError,
        [STAR, "rlnDefocusU", "unknown"],
    ),
    "optics group": (
        lambda: edit(STAR, "mic001.mrc            1", "mic001.mrc            7"),
        [],
        StarError,
        [STAR, "optics group 7", "only 1"],
    ),
    "pixel size 0": (lambda: change_optics(rlnImagePixelSize=0.0), [], StarError, [STAR, "rlnImagePixelSize", "0 Å"]),
    "3D images": (lambda: change_optics(rlnImageDimensionality=3), [], ParameterError, [STAR, "subtomograms"]),
    "premultiplied": (
        lambda: change_optics(rlnCtfDataAreCtfPremultiplied=1),
        [],
        ParameterError,
        [STAR, "rlnCtfDataAreCtfPremultiplied", "multiplied"],
    ),
    "no STAR": (lambda: Path(STAR).unlink(), [], NodeError, [STAR]),
    "mask": (lambda: None, ["--particle_diameter", "300"], ParameterError, ["300 Å", "256 Å", "at most"]),
    "K": (lambda: None, ["--K", "0"], ParameterError, ["classes", "is 0", "at least 1|between 1"]),
    "too many K": (lambda: None, ["--K", "151"], ParameterError, ["151", "150 particles", "--K"]),
    "step": (
        lambda: None,
        ["--psi_step", "-12"],
        ParameterError,
        ["--psi_step", "angular sampling", "-12 °", "between 0.2 ° and 360 °"],
    ),
    "unknown": (lambda: None, ["--psi_stepp", "12"], ParameterError, ["--psi_stepp", r"Did you mean --psi_step\?"]),
    "no value": (lambda: None, ["--psi_step"], ParameterError, ["--psi_step", "needs a value"]),
    "no number": (lambda: None, ["--K", "many"], ParameterError, ["classes", "'many'", "whole number"]),
    "background mean": (
        lambda: change_images(lambda i: i + 5),
        [],
        ImageError,
        ["not normalised", "mean 5", "--norm", "--dont_check_norm"],
    ),
    "background deviation": (
        lambda: change_images(lambda i: i * 3),
        [],
        ImageError,
        ["not normalised", "deviation 3|deviation 2.9", "--dont_check_norm"],
    ),
    "references' size": (
        lambda: references((3, 16, 16)),
        ["--ref", "refs.mrcs"],
        ImageError,
        ["refs.mrcs", "16 px", "32 px", "rescale"],
    ),
    "no references": (lambda: None, ["--ref", "refs.mrcs"], NodeError, ["refs.mrcs"]),
    "references NaN": (
        lambda: references((3, BOX, BOX), np.nan),
        ["--ref", "refs.mrcs"],
        ImageError,
        ["refs.mrcs", "NaN"],
    ),
    "file in the way": (file_in_the_way, [], ParameterError, ["Class2D/a", "--o"]),
    "locked": (locked, [], ParameterError, ["Class2D/a", "--o"]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_bad_input_is_refused_before_anything_is_computed(tiny, kind):
    if kind == "locked" and os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    spoil, more, error, words = SPOILT[kind]
    spoil()
    check_refused(arguments(*more), error, words)
    assert not list(tiny.glob("**/run*")), "files of a run that was refused"


def check_refused(flags: list[str], error: type[InputError], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        refine(Path.cwd(), flags)
    assert caught.type is error
    for word in words:
        assert re.search(word if re.search(r"[|\\]", word) else re.escape(word), str(caught.value)), (
            word,
            caught.value,
        )


@pytest.fixture
def continued(finished, tmp_path, monkeypatch) -> str:
    """A copy of it; its last optimiser."""
    import shutil

    shutil.copytree(finished, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return "Class2D/a/run_it002_optimiser.star"


def go_on(optimiser: str, *more: str) -> list[str]:
    return ["--continue", optimiser, "--o", "Class2D/b/run", "--iter", "4", *more]


def lose_groups(optimiser: str) -> None:
    model = optimiser.replace("_optimiser", "_model")
    tables = read_star(model)
    write_star(model, {**tables, "model_groups": tables["model_groups"].rows(slice(0, 1))})


def make_3d(optimiser: str) -> None:
    model = optimiser.replace("_optimiser", "_model")
    tables = read_star(model)
    write_star(model, {**tables, "model_general": tables["model_general"].with_columns(rlnReferenceDimensionality=3)})


# kind: (what is done with the optimiser, further arguments, error, words)
Spoil = Callable[[str], object]
CONTINUED: dict[str, tuple[Spoil, list[str], type[InputError], list[str]]] = {
    "iterations": (lambda _: None, ["--iter", "2"], ParameterError, ["--iter", "is 2", "iteration 2", "more than 2"]),
    "two inputs": (lambda _: None, ["--i", STAR], ParameterError, ["--i", "--continue"]),
    "no optimiser": (lambda o: Path(o).unlink(), [], NodeError, ["run_it002_optimiser.star"]),
    "no optimiser STAR": (lambda o: Path(o).write_text("data_\n"), [], StarError, ["run_it002_optimiser.star"]),
    "groups": (lose_groups, [], ParameterError, ["run_it002_optimiser.star", "1 noise groups", "2"]),
    "3D": (make_3d, [], NodeError, ["run_it002_optimiser.star", "3D", "2D"]),
    **{
        part: (
            lambda o, part=part: Path(o.replace("_optimiser.star", f"_{part}")).unlink(),
            [],
            NodeError,
            ["run_it002_optimiser.star", f"run_it002_{part}", "not there"],
        )
        for part in ("model.star", "data.star", "sampling.star", "classes.mrcs")
    },
}


@pytest.mark.parametrize("kind", CONTINUED)
def test_what_cannot_be_continued_is_refused(continued, kind):
    spoil, more, error, words = CONTINUED[kind]
    spoil(continued)
    check_refused(go_on(continued, *more), error, words)
    assert not list(Path().glob("Class2D/b/run*"))


def test_a_table_that_is_no_optimiser_is_refused(continued):
    check_refused(go_on(STAR), StarError, [STAR, "optimiser_general"])


def test_images_that_are_not_normalised_are_taken_on_demand(tiny):
    change_images(lambda i: i + 5)
    told = refine(tiny, arguments("--dont_check_norm", "--iter", "1"))
    assert any("not normalised" in warning for warning in told.warnings)
    assert Path("Class2D/a/run_it001_optimiser.star").exists()


def test_black_particles_on_white_are_a_warning(tiny):
    change_images(lambda i: -i)
    told = refine(tiny, arguments("--iter", "1"))
    assert any("black on white" in warning and "--invert_contrast" in warning for warning in told.warnings)
    assert Path("Class2D/a/run_it001_optimiser.star").exists()


def test_good_input_gives_no_warning_at_all(tiny):
    assert refine(tiny, arguments("--iter", "1")).warnings == []


def test_an_optics_table_may_be_of_any_kind(tiny):
    table = read_particles(STAR)
    optics = Table({label: table.optics[label] for label in table.optics.labels if label != "rlnImageSize"}, "optics")
    write_particles(STAR, Particles(optics, table.particles))
    refine(tiny, arguments("--iter", "1"))
    assert Path("Class2D/a/run_it001_optimiser.star").exists()


def test_the_form_is_told_of_its_own_names_and_values():
    (said,) = Class2D(fn_img=STAR, psi_sampling=-6).problems()
    assert said.startswith("In-plane angular sampling (psi_sampling) is -6 °; it must lie between 0.1 °")
