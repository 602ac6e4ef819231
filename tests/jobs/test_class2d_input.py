"""What a 2D classification begins from: references, stacks, optics groups, an earlier run, a form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.fourier import resize
from relionlab.errors import ParameterError, StarError
from relionlab.io.images import read_stack, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.program import Refine
from tests.jobs.class2d_runs import (
    BOX,
    COUNT,
    PIXEL_SIZE,
    STACK,
    STAR,
    arguments,
    correlation,
    refine,
    result,
    run,
    spectrum,
    turned,
    usual_form,
    usual_result,
)


def centre_of_mass(images: np.ndarray) -> np.ndarray:
    positive = np.maximum(images, 0)
    line = np.arange(images.shape[-1]) - images.shape[-1] // 2
    mass = positive.sum(axis=(1, 2))
    return np.stack([positive.sum(axis=1) @ line / mass, positive.sum(axis=2) @ line / mass], axis=1)


def test_classes_begin_from_the_references_given(there):
    given = usual_result().classes[[2, 0, 1]]
    write_stack("refs.mrcs", given, pixel_size=PIXEL_SIZE)
    flags = arguments("--ref", "refs.mrcs", "--iter", "2", root="Class2D/b/run")
    at = flags.index("--K")
    refine(there, flags[:at] + flags[at + 2 :])  # as many classes as references
    begun, after = result(there, 0, "Class2D/b/run"), result(there, 2, "Class2D/b/run")
    assert np.array_equal(begun.classes, given)
    assert all(correlation(after.classes[c], given[c]) > 0.8 for c in range(3))
    order = np.array([1, 2, 0])[usual_result().column("rlnClassNumber") - 1] + 1
    assert (after.column("rlnClassNumber") == order).mean() > 0.7


def test_references_may_be_named_in_a_model_file(there):
    begun = run("--ref", "Class2D/a/run_it004_model.star", iterations=1)
    assert np.array_equal(result(there, 0, "Class2D/b1/run").classes, usual_result().classes)
    assert begun.column("rlnMaxValueProbDistribution").mean() > (
        usual_result(1).column("rlnMaxValueProbDistribution").mean()
    )


def test_as_many_classes_as_references(there):
    write_stack("refs.mrcs", usual_result().classes[:2], pixel_size=PIXEL_SIZE)
    with pytest.raises(ParameterError, match=r"refs.mrcs has 2 references.*\(--K\) is 3.*Give --K 2"):
        run("--ref", "refs.mrcs")


@pytest.mark.parametrize("referred", [True, False])
def test_first_averages_are_filtered(there, referred):
    run(*(("--ref", "Class2D/a/run_it004_model.star") if referred else ()), "--ini_high", "85", iterations=1)
    power = spectrum(result(there, 0, "Class2D/b1/run").classes)
    assert power[:, 6:].sum() < 1e-6 * power[:, 1:4].sum()  # 85 Å are 3 shells of 256 Å
    assert power[:, 2].sum() > 0


def test_classes_are_centred_on_demand(there):
    write_stack("refs.mrcs", np.roll(usual_result().classes, (0, 3), (1, 2)), pixel_size=PIXEL_SIZE)
    off = run("--ref", "refs.mrcs", iterations=1)
    assert np.abs(centre_of_mass(off.classes)).max() > 1.5
    on = run("--ref", "refs.mrcs", "--center_classes", iterations=1)
    assert np.abs(centre_of_mass(on.classes)).max() < 0.6
    moved = np.abs(on.column("rlnOriginXAngst") - off.column("rlnOriginXAngst"))
    assert np.median(moved) > PIXEL_SIZE / 2  # the particles went along
    assert correlation(np.roll(on.classes, (0, 3), (1, 2)), off.classes) > 0.7


def test_one_class_is_enough(there):
    one = run("--K", "1", iterations=2)
    assert one.classes.shape == (1, BOX, BOX)
    assert np.all(one.column("rlnClassNumber") == 1)


# --- input -----------------------------------------------------------------------------------------------------------


def test_a_bare_stack_is_classified_without_ctf(there):
    flags = arguments("--iter", "2", root="Class2D/b/run", star=STACK, without=("--ctf",))
    told = refine(there, flags)
    assert any("bare stack" in warning and f"{COUNT} images" in warning for warning in told.warnings)
    bare = result(there, 2, "Class2D/b/run")
    assert list(bare.column("rlnImageName")) == list(usual_result().column("rlnImageName"))
    assert len(bare.table("model", "model_groups")) == 1
    assert bare.table("model", "model_general").value("rlnPixelSize") == PIXEL_SIZE
    with pytest.raises(StarError, match=r"rlnDefocusU.*without --ctf"):
        run(star=STACK)


def test_images_held_in_memory_are_the_same_images(there):
    assert run("--preread_images", iterations=1).same_as(usual_result(1))


def test_optics_groups_may_differ_in_pixel_size(there):
    """The second half of the particles in finer pixels: the same particles, and the same result."""
    table, images = read_particles(STAR), read_stack(STACK)
    half, box = COUNT // 2, 40
    write_stack("data/fine.mrcs", resize(images[half:], box).astype(np.float32), pixel_size=PIXEL_SIZE * BOX / box)
    optics = {label: np.repeat(table.optics[label], 2) for label in table.optics.labels}
    optics |= {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["coarse", "fine"], "rlnImageSize": [BOX, box]}
    optics["rlnImagePixelSize"] = [PIXEL_SIZE, PIXEL_SIZE * BOX / box]
    names = [
        name if n < half else f"{n - half + 1:06d}@data/fine.mrcs"
        for n, name in enumerate(table.particles["rlnImageName"])
    ]
    rows = table.particles.with_columns(rlnImageName=names, rlnOpticsGroup=np.arange(COUNT) // half + 1)
    write_particles("data/two.star", Particles(Table(optics, "optics"), rows))

    both = run("--dont_check_norm", star="data/two.star")
    assert both.classes.shape == (3, BOX, BOX)
    assert both.table("model", "model_general").value("rlnPixelSize") == PIXEL_SIZE
    assert len(both.particles.optics) == 2
    one = usual_result()
    fine = np.arange(COUNT) >= half
    same = both.column("rlnClassNumber") == one.column("rlnClassNumber")
    assert same[fine].mean() > 0.85
    assert (turned(both.column("rlnAnglePsi"), one.column("rlnAnglePsi")) < 13)[same & fine].mean() > 0.85
    assert correlation(both.classes, one.classes) > 0.95
    far = np.hypot(*(both.column(f"rlnOrigin{axis}Angst") - one.column(f"rlnOrigin{axis}Angst") for axis in "XY"))
    assert np.median(far[same & fine]) < PIXEL_SIZE  # the step of the offsets


# --- continuing, and the form ----------------------------------------------------------------------------------------


def test_a_finished_run_is_continued_with_more_iterations_and_another_t(there):
    go_on = ["--continue", "Class2D/a/run_it004_optimiser.star", "--o", "Class2D/a/run", "--iter", "6"]
    refine(there, [*go_on, "--tau2_fudge", "8"])
    rough = result(there, 6, "Class2D/a/run_ct4")
    refine(there, [*go_on[:3], "Class2D/c/run", *go_on[4:]])
    kept = result(there, 6, "Class2D/c/run")
    assert rough.table("model", "model_general").value("rlnTau2FudgeFactor") == 8
    assert kept.table("model", "model_general").value("rlnTau2FudgeFactor") == 2
    high = slice(BOX // 4, BOX // 2)
    assert spectrum(rough.classes)[:, high].sum() > 1.2 * spectrum(kept.classes)[:, high].sum()
    assert kept.table("optimiser", "optimiser_general").value("rlnNumberOfIterations") == 6
    assert result(there, 4).same_as(usual_result())
    names = {path.name for path in Path("Class2D/a").glob("run_ct4*_optimiser.star")}
    assert names == {"run_ct4_it005_optimiser.star", "run_ct4_it006_optimiser.star"}


def test_the_form_says_the_same_as_the_command_line(there):
    form = usual_form()
    (command,) = form.commands("Class2D/b/")
    refine(there, list(command.arguments))
    assert result(there, 2, "Class2D/b/run").same_as(usual_result(2))
    assert {node.path for node in form.outputs("Class2D/b/")} == {
        f"Class2D/b/run_it002_{file}.star" for file in ("data", "model", "optimiser")
    }


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"do_zero_mask": False}, "-zero_mask"),
        ({"do_center": True}, "+center_classes"),
        ({"do_ctf_correction": False}, "-ctf"),
        ({"ctf_intact_first_peak": True}, "+ctf_intact_first_peak"),
        ({"dont_skip_align": False}, "+skip_align -psi_step -offset_range -offset_step"),
        ({"highres_limit": 12.0}, "+strict_highres_exp"),
        ({"do_preread_images": True}, "+preread_images"),
        ({"use_gpu": True, "gpu_ids": "0:1"}, "+gpu"),
    ],
)
def test_each_form_field_reaches_the_program(changes, flags):
    form = Class2D(fn_img=STAR)
    before, after = (set(one.commands("b/")[0].arguments) for one in (form, form.changed(**changes)))
    for flag in flags.split():
        name = f"--{flag[1:]}"
        assert (name in after) == flag.startswith("+")
        assert (name in before) != flag.startswith("+")
    values = Refine.from_flags(form.changed(**changes).commands("b/")[0].arguments)
    for name, value in changes.items():
        if name != "use_gpu":
            assert getattr(values, name) == value
