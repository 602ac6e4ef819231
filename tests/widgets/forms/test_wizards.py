"""Wizards: found by a word in the declaration; the picture shows the form's input, and what is dragged goes into the form."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.images import write_image, write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.registry import job_types
from relionlab.jobs.selecting.select import Select
from relionlab.project import Project
from relionlab.widgets import JobForm
from relionlab.widgets.forms.wizards import wizard_for, wizard_words
from relionlab.widgets.parts.live_figure import FigureEvent

BOX, PIXEL_SIZE = 48, 4.0
MICROGRAPHS, PARTICLES, MAP, MODEL = "mics.star", "particles.star", "map.mrc", "run_it001_model.star"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project with a little of everything: micrographs, particles, a map, a model."""
    place = tmp_path_factory.mktemp("wizards")
    made, rng = Project.create(place), np.random.default_rng(1)
    axes = np.mgrid[:BOX, :BOX, :BOX] - BOX // 2
    ball = np.exp(-(axes**2).sum(axis=0) / 80.0).astype(np.float32)
    write_map(place / MAP, ball, pixel_size=PIXEL_SIZE)
    write_stack(
        place / "stack.mrcs",
        ball.sum(axis=0) + rng.normal(size=(30, BOX, BOX)).astype(np.float32),
        pixel_size=PIXEL_SIZE,
    )
    group = {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"]}
    names = [f"{n + 1:06d}@stack.mrcs" for n in range(30)]
    rows = {"rlnImageName": names, "rlnOpticsGroup": [1] * 30, "rlnDefocusU": np.linspace(5000, 9000, 30)}
    write_star(
        place / PARTICLES,
        [Table({**group, "rlnImagePixelSize": [PIXEL_SIZE]}, name="optics"), Table(rows, name="particles")],
    )
    for number in (1, 2):
        write_image(place / f"mic{number}.mrc", rng.normal(size=(600, 800)).astype(np.float32), pixel_size=1.5)
    listed = {
        "rlnMicrographName": ["mic1.mrc", "mic2.mrc"],
        "rlnOpticsGroup": [1, 1],
        "rlnCtfMaxResolution": [3.0, 5.0],
    }
    optics = Table({**group, "rlnMicrographPixelSize": [1.5]}, name="optics")
    write_star(place / MICROGRAPHS, [optics, Table(listed, name="micrographs")])
    groups = {
        "rlnGroupNumber": [1, 2, 3, 4],
        "rlnGroupNrParticles": [90, 80, 70, 60],
        "rlnGroupScaleCorrection": [1.0, 0.9, 1.1, 1.2],
    }
    write_star(place / MODEL, [Table(groups, name="model_groups")])
    return made


JOBS = {
    "particle_diameter": Class2D(fn_img=PARTICLES, particle_diameter=120.0),
    "ini_high": Refine3D(fn_img=PARTICLES, fn_ref=MAP, ini_high=50.0),
    "extract_size": Extract(star_mics=MICROGRAPHS, extract_size=96),
    "bg_diameter": Extract(star_mics=MICROGRAPHS, extract_size=96, do_rescale=True, rescale=48),
    "log_diam_min": AutoPick(fn_input_autopick=MICROGRAPHS, do_log=True, log_diam_min=90.0, log_diam_max=120.0),
    "lowpass": ManualPick(fn_in=MICROGRAPHS),
    "inimask_threshold": MaskCreate(fn_in=MAP, inimask_threshold=0.2),
    "select_maxval": Select(fn_mic=MICROGRAPHS, do_select_values=True),
    "nr_groups": Select(fn_model=MODEL, do_regroup=True, nr_groups=2),
    "resmax": CtfFind(input_star_mics=MICROGRAPHS),
}


def opened(project: Project, job, name: str):
    """Return a form and its wizard, which has read what it shows."""
    form = JobForm(job, project=project)
    made = wizard_for(type(job), name)(form)
    assert made.wait(), made._message.value
    return form, made


def dragged(made, start: tuple[float, float], *way: tuple[float, float]) -> None:
    """Drag in the picture from a place along others, and let go."""
    for x, y in way:
        made._dragged(FigureEvent("drag", "picture", x, y, start=start))
    made._dropped(FigureEvent("drop", "picture", *way[-1], start=start))


def test_every_word_of_a_declaration_is_known():
    asked = {p.wizard for job_type in job_types().values() for p in job_type.parameters().values() if p.wizard}
    assert asked == set(wizard_words())
    assert wizard_for(Class2D, "nr_classes") is None


@pytest.mark.parametrize("name", JOBS)
def test_it_shows_the_input_and_writes_into_the_form(project, name):
    form, made = opened(project, JOBS[name], name)
    number = made.numbers[name]
    other = number.rounded(number._slider.min + 0.15 * (number._slider.max - number._slider.min))
    number._slider.value = other  # as if slid
    assert getattr(form.job, name) == pytest.approx(number.value)
    assert number.value == pytest.approx(other, abs=2 * number.step)


def test_the_mask_is_dragged_on_any_tile(project):
    form, made = opened(project, JOBS["particle_diameter"], "particle_diameter")
    box = BOX * PIXEL_SIZE
    middle = (1.5 * box, 0.5 * box)  # of the second tile
    dragged(made, (middle[0] + 60, middle[1]), (middle[0] + 70, middle[1]), (middle[0] + 80, middle[1]))
    assert form.job.particle_diameter == 160
    x, y = (np.asarray(made.live._named("outline:particle_diameter").data[axis]) for axis in "xy")
    radius = np.hypot((x % box) - box / 2, (y % box) - box / 2)
    assert np.nanmax(abs(radius - 80)) < 1e-3


def test_box_and_circle_are_told_apart_and_the_circle_stays_inside(project):
    form, made = opened(project, JOBS["extract_size"], "extract_size")
    middle = made._side / 2
    dragged(made, (middle + 48, middle), (middle + 60, middle))
    assert (form.job.extract_size, form.job.bg_diameter) == (120, None)  # 75 % of the box, as long as nobody says
    assert made.numbers["bg_diameter"].value == 90
    dragged(made, (middle, middle + 45), (middle, middle + 200))
    assert (form.job.extract_size, form.job.bg_diameter) == (120, 118)


def test_the_smallest_diameter_stays_below_the_largest(project):
    form, made = opened(project, JOBS["log_diam_min"], "log_diam_min")
    made.change("log_diam_min", 300.0)
    assert form.job.log_diam_min == form.job.log_diam_max == 120


def test_no_filter_is_written_as_the_form_has_it(project):
    form, made = opened(project, JOBS["lowpass"], "lowpass")
    made.change("lowpass", 0.0)
    assert form.job.lowpass == -1
    form, made = opened(project, JOBS["ini_high"], "ini_high")
    made.change("ini_high", 0.0)
    assert form.job.ini_high is None


def test_a_click_on_the_map_takes_its_density(project):
    form, made = opened(project, JOBS["inimask_threshold"], "inimask_threshold")
    made._tapped(FigureEvent("tap", "picture", 116, 80))
    assert form.job.inimask_threshold == pytest.approx(made._slices[80, 116], abs=0.01)
    inside = np.isin(made.live._named("mask").data["image"][0], (2, 3, 4))
    made.change("inimask_threshold", form.job.inimask_threshold / 3)
    assert np.isin(made.live._named("mask").data["image"][0], (2, 3, 4)).sum() > inside.sum()


def test_a_ring_is_dragged_outwards_to_finer_resolution(project):
    form, made = opened(project, JOBS["resmax"], "resmax")
    n = 256
    start = 2 * 256 * 1.5 / 5.0  # px of a ring at 5 Å, of 512 px at 1.5 Å/px
    dragged(made, (n + start, n), (n + 1.25 * start, n))
    assert form.job.resmax == pytest.approx(4.0, abs=0.1)
    assert form.job.resmin == 30


def test_both_ends_of_a_range_and_another_column(project):
    form, made = opened(
        project, Select(fn_data=PARTICLES, do_select_values=True, select_label="rlnDefocusU"), "select_minval"
    )
    for value in (5500.0, 6000.0):
        made._moved(FigureEvent("drag", "curves", value, 1, start=(5000.0, 1.0), hit="curves"), tell=False)
    made._moved(FigureEvent("drop", "curves", 6000.0, 1, start=(5000.0, 1.0), hit="curves"), tell=True)
    assert form.job.select_minval == pytest.approx(6000, abs=10)
    assert "22</b> of 30" in made._said.value


def test_the_range_of_a_column_of_large_numbers_begins_with_all_rows(project):
    values = np.linspace(2_345_677.5, 2_345_697.5, 30)
    write_star(project.directory / "large.star", [Table({"rlnLogLikeliContribution": values}, name="particles")])
    start = Select(fn_data="large.star", do_select_values=True, select_label="rlnLogLikeliContribution")
    form, made = opened(project, start, "select_minval")
    assert "30</b> of 30" in made._said.value
    made.change("select_minval", 2_345_690.0)
    assert form.job.select_minval == pytest.approx(2_345_690, abs=0.05)


def test_a_detector_is_chosen(project):
    form, made = opened(project, Import(), "fn_mtf")
    made.choose("k2_300kV")
    assert form.job.fn_mtf == "MTF/k2_300kV.star"
    _, again = opened(project, form.job, "fn_mtf")
    assert again._list.value == "k2_300kV"


def test_another_micrograph_and_another_place(project):
    _, made = opened(project, JOBS["extract_size"], "extract_size")
    before = made._part.copy()
    made.go_to(750, 550)
    assert not np.array_equal(made._part, before)
    made.show(1)
    assert made.wait()
    assert made._found.micrograph.name == "mic2.mrc"


@pytest.mark.parametrize("name", ["particle_diameter", "inimask_threshold", "lowpass", "select_maxval", "resmax"])
def test_what_is_missing_is_said_and_looked_for_again(project, name):
    job_type = type(JOBS[name])
    form = JobForm(job_type, project=project)
    made = wizard_for(job_type, name)(form)
    assert not made.wait()
    assert "chosen yet" in made._message.value
    given = next(field for field in made.inputs if getattr(JOBS[name], field))
    form.fields[given].entry.value = getattr(JOBS[name], given)
    assert made.wait()
    assert "chosen yet" not in made._message.value
