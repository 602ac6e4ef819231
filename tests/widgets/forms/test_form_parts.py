"""What stands around the fields: search, what differs, presets, files, launch, continue; each one public method."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from relionlab.errors import JobStateError, ParameterError
from relionlab.io.images import write_stack
from relionlab.jobs.importing.job import Import
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.registry import job_types
from relionlab.widgets import JobForm
from relionlab.widgets.forms.background import Newest
from relionlab.workflows.next_jobs import Suggestion
from tests.waiting import until

OPTICS = (
    "data_optics\nloop_\n_rlnOpticsGroup\n_rlnOpticsGroupName\n_rlnImagePixelSize\n_rlnImageSize\n_rlnVoltage\n"
    "_rlnSphericalAberration\n_rlnAmplitudeContrast\n1 one 4.0 64 300 2.7 0.1\n\n"
)
PARTICLES = (
    f"{OPTICS}data_particles\nloop_\n_rlnImageName\n_rlnDefocusU\n_rlnOpticsGroup\n1@a.mrcs 9000 1\n2@a.mrcs 9000 1\n"
)


@pytest.fixture(autouse=True)
def own_presets(tmp_path, monkeypatch):
    """Presets and times are kept in a folder of the test."""
    monkeypatch.setenv("RELIONLAB_PRESET_FOLDER", str(tmp_path / "presets"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def particles(project):
    """A project with two particles, imported."""
    (project.directory / "p.star").write_text(PARTICLES)
    images = np.random.default_rng(0).normal(size=(2, 64, 64)).astype(np.float32)
    write_stack(project.directory / "a.mrcs", images, pixel_size=4.0)
    kind = "Particles STAR file (.star)"
    job = project.add(Import(do_raw=False, do_other=True, fn_in_other="p.star", node_type=kind), alias="first")
    (job.path / "p.star").write_text(PARTICLES)
    job.set_state("finished")
    return project


def on_page(form, name):
    """Say whether a parameter's row is in view."""
    return form.fields[name].row in form._pages.children[form._pages.selected_index].children


# --- search, levels, changes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", sorted(job_types()))
def test_every_parameter_of_every_job_can_be_brought_into_view(label):
    form = JobForm(job_types()[label])
    for name in form.fields:
        form._head.level.value = "basic"
        form.show(name)
        assert on_page(form, name)


def test_search_finds_on_any_page_and_level_and_jumps_there():
    form = JobForm(Class2D)
    box = form._head.search
    box.value = "mini-batches"
    assert box.choices[0]["id"] == "nr_iter_grad"
    box.value = "--helical_outer_diameter"
    assert box.choices[0]["mark"] == "advanced"
    box.choose(box.choices[0]["id"])
    assert form._head.level.value == "advanced"
    assert on_page(form, "helical_tube_outer_diameter")
    assert "rl-found" in form.fields["helical_tube_outer_diameter"].row._dom_classes
    assert box.value == ""
    box.value = "xylophone"
    assert (box.choices, box.note) == ([], "Nothing like that.")


def test_wrong_value_of_a_hidden_level_is_in_view():
    form = JobForm(Class2D(fn_img="p.star"))
    form.set(highres_limit=0.1)
    form._pages.jump("highres_limit")
    assert form._head.level.value == "basic"
    assert on_page(form, "highres_limit")
    assert "Optimisation ●" in form._pages.titles
    form.set(highres_limit=10.0)
    assert not on_page(form, "highres_limit")


def test_changes_are_listed_and_taken_back_one_by_one():
    form = JobForm(Class2D(fn_img="p.star", nr_classes=50))
    assert form._changes.toggle.description == "2 changed"
    form._changes.toggle.value = True
    first, second, _all = form._changes.children
    assert "Number of classes: 50 (default 1)" in second.children[2].value
    form.fields["nr_classes"].row  # noqa: B018 - made, so that it can be marked
    assert "rl-changed" in form.fields["nr_classes"].row._dom_classes
    second.children[0].click()
    assert form.job == Class2D(fn_img="p.star")
    assert "rl-changed" not in form.fields["nr_classes"].row._dom_classes
    first = form._changes.children[0]
    first.children[1].click()  # leads to the field
    assert on_page(form, "fn_img")


def test_reset_leaves_the_inputs():
    form = JobForm(Class2D(fn_img="p.star", nr_classes=50))
    form.reset()
    assert form.job == Class2D(fn_img="p.star")


def test_grey_field_says_why():
    form = JobForm(Class2D)
    assert form.fields["queuename"].why_grey == "Applies only if 'Submit to queue' is Yes."
    form.show("queuename")
    assert "Applies only if" in form.fields["queuename"]._label.value
    form.set(do_queue=True)
    assert "Applies only if" not in form.fields["queuename"]._label.value


# --- presets --------------------------------------------------------------------------------------------------------


def test_presets_are_saved_loaded_and_deleted(particles):
    form = JobForm(Class2D(fn_img="Import/job001/p.star", nr_classes=50), project=particles)
    values = form._values_of
    values.box.value = "fifty"
    values.save()
    values.box.value = "here"
    values.save(for_project=True)
    form.reset()
    values.look()
    assert [line["title"] for line in values.box.choices] == ["Defaults", "fifty", "here"]
    values.load("user:fifty")
    assert form.job == Class2D(fn_img="Import/job001/p.star", nr_classes=50)
    values.load("defaults")
    assert form.job == Class2D(fn_img="Import/job001/p.star")
    values.box.value = "fifty"
    values.delete()
    with pytest.raises(ParameterError, match="no preset named"):
        values.delete()


def test_values_of_an_earlier_job_can_be_taken(particles):
    particles.add(Class2D(fn_img="Import/job001/p.star", nr_classes=7, fn_cont=""), alias="round1")
    form = JobForm(Class2D, project=particles)
    form._values_of.look()
    assert form._values_of.box.choices[-1] == {
        "id": "job:Class2D/job002",
        "title": "Class2D/job002",
        "detail": "round1 · scheduled",
    }
    form._values_of.load("job:Class2D/job002")
    assert form.job.nr_classes == 7


# --- files ----------------------------------------------------------------------------------------------------------


def test_list_of_files_says_what_they_hold(particles):
    particles.add(Class2D(fn_img="Import/job001/p.star"))
    form = JobForm(Class2D, project=particles)
    box = form.fields["fn_img"].entry
    box.unfold()
    until(lambda: "2 particles" in box.choices[1].get("detail", ""))
    planned, made, browse = box.choices
    assert (planned["mark"], planned["title"]) == ("scheduled", "Class2D/job002/run_it025_data.star")
    assert made["detail"] == "2 particles, 4 Å/px, box of 64 px (256 Å) · first, just now"
    box.choose(planned["id"])
    assert form.job.fn_img == "Class2D/job002/run_it025_data.star"
    assert form.input_problems() == []
    assert "makes it" in form.fields["fn_img"]._below.value
    box.choose(browse["id"])
    assert [line["title"] for line in box.choices if line["title"] in ("Import/", "p.star")] == ["Import/", "p.star"]
    box.choose(next(line["id"] for line in box.choices if line["title"] == "p.star"))
    assert form.job.fn_img == "p.star"
    box.choose("back:")
    assert box.choices[0]["title"] == planned["title"]


def test_inputs_are_judged_beside_their_fields(particles):
    form = JobForm(Class2D(fn_img="Import/job001/p.star", nr_classes=3), project=particles)
    assert form.input_problems()
    assert form._launch.run.disabled
    form.show("nr_classes")
    assert "only 2 particles" in form.fields["nr_classes"]._below.value
    form.set(nr_classes=2)
    assert form.input_problems() == []
    assert not form._launch.run.disabled
    form.set(fn_img="gone.star")
    assert "gone.star is not there" in form.input_problems()[0]


def test_cost_is_said(particles, monkeypatch):
    from relionlab.widgets.forms import inputs_look
    from relionlab.workflows.cost import Cost

    told = Cost(60.0, 10, "about a minute", warnings=("The disk is full.",))
    monkeypatch.setattr(inputs_look, "estimate", lambda job, project: told)
    form = JobForm(Class2D(fn_img="Import/job001/p.star"), project=particles)
    assert form._background.wait()
    assert form._pricing.wait()
    assert "about a minute" in form._cost.value
    assert "The disk is full." in form._cost.value
    form.set(nr_classes=0)
    assert form._background.wait()
    assert form._pricing.wait()
    assert form._cost.value == ""


def test_typing_is_not_held_up_by_a_slow_look(particles, monkeypatch):
    from relionlab.widgets.forms import form as module

    look, gate = module.look_at_inputs, threading.Event()
    monkeypatch.setattr(module, "look_at_inputs", lambda *a, **k: (gate.wait(60), look(*a, **k))[1])
    form = JobForm(Class2D(fn_img="Import/job001/p.star"), project=particles)
    until(lambda: "Reading the inputs" in form._cost.value)
    form.fields["nr_classes"].entry.value = "3"
    assert form.job.nr_classes == 3  # at once, though the look is still going on
    gate.set()
    assert "only 2 particles" in form.input_problems()[0]  # of the newest values


def test_only_the_newest_of_what_waits_is_done():
    done, newest, gate = [], Newest(), threading.Event()
    for number in range(20):
        newest.ask(lambda number=number: (gate.wait(60), number)[1], done.append)
    gate.set()
    assert newest.wait()
    assert done == [19]


# --- what becomes of the job ----------------------------------------------------------------------------------------


def test_schedule_adds_the_job_with_alias_and_note_and_starts_nothing(particles):
    form = JobForm(Class2D(fn_img="Import/job001/p.star"), project=particles)
    heard = []
    form.on_start(heard.append)
    form._launch.alias.value, form._launch.note.value = "try one", "because"
    form._launch.schedule.click()
    [job] = heard
    assert (job.name, job.state, job.alias_name) == ("Class2D/job002", "scheduled", "Class2D/try_one")
    assert job.notes() == "because\n"
    assert "Class2D/job002 · try_one" in form._head.title.value
    assert form._launch.start.layout.display == ""
    assert (form._launch.alias.value, form._launch.note.value) == ("", "")


def test_scheduled_job_whose_input_is_still_to_be_made_is_refused_in_words(particles):
    particles.add(Class2D(fn_img="Import/job001/p.star"))
    form = JobForm(Class2D(fn_img="Class2D/job002/run_it025_data.star"), project=particles)
    form.schedule()
    form._launch.start.click()
    assert "which Class2D/job002 makes, and that is scheduled: wait" in form._message.value
    with pytest.raises(JobStateError):
        form.start_scheduled()


def test_form_of_a_job_shows_total_and_extra_iterations(particles):
    job = particles.add(Class2D(fn_img="Import/job001/p.star", nr_iter=25))
    for name in ("optimiser", "data"):
        (job.path / f"run_it025_{name}.star").touch()
    job.set_state("finished")
    form = JobForm.of(job)
    more = form._launch.more
    assert "25 iterations done" in more._told.value
    assert (more.total.value, more.extra.value) == (25, 0)
    assert form._launch.go_on.disabled  # nothing is left to do
    more.extra.value = 15
    assert (more.total.value, form.job.nr_iter) == (40, 40)
    assert not form._launch.go_on.disabled
    more.total.value = 30
    assert (more.extra.value, form.job.nr_iter) == (5, 30)
    form.fields["nr_iter"].entry.value = "50"
    assert (more.total.value, more.extra.value) == (50, 25)


def test_job_without_a_number_of_iterations_is_continued_without_one(particles):
    (particles.directory / "m.mrc").touch()
    job = particles.add(Refine3D(fn_img="Import/job001/p.star", fn_ref="m.mrc"))
    job.set_state("failed")
    form = JobForm.of(job)
    assert form._launch.more.layout.display == "none"
    assert not form._launch.go_on.disabled


def test_clone_is_a_new_job_with_the_same_values(particles):
    job = particles.add(Class2D(fn_img="Import/job001/p.star", nr_classes=2))
    form = JobForm.of(job)
    clone = form.clone()
    assert (clone.job, clone.directory) == (form.job, None)
    form._launch.clone.click()
    assert form._drawer.children[1].job == form.job
    continued = JobForm(Class2D(fn_cont="Class2D/job002/run_it005_optimiser.star"), project=particles)
    assert continued.clone().job.fn_cont == ""


def test_wizard_opens_where_links_open():
    class Opener:
        def __init__(self):
            self.titles = []

        def open(self, title, make):
            self.titles.append(title)
            return make

    opener = Opener()
    form = JobForm(Class2D, opener=opener)
    row = form.fields["particle_diameter"].row
    button = row.children[0].children[-1]
    assert "rl-helper" in button._dom_classes
    button.click()
    assert opener.titles == ["Mask diameter: see it on a picture"]


def test_command_lines_are_those_of_the_next_job(particles):
    form = JobForm(Class2D(fn_img="Import/job001/p.star"), project=particles)
    assert form._background.wait()
    lines = form._copies.shell.text.splitlines()
    assert lines[-1] == str(form.job.commands("Class2D/job002/")[0])
    assert lines[0] == f"cd {particles.directory}"


def test_values_that_make_no_command_are_said_in_the_copy():
    form = JobForm(PostProcess(fn_in="nothing.mrc", fn_mask="m.mrc", other_args="--x 'half typed"))
    assert form._background.wait()
    assert form._copies.shell.text.startswith("#")
    assert "(other_args)" in form.problems()[0]


# --- what is still to be filled -------------------------------------------------------------------------------------


def test_a_new_form_asks_quietly_for_what_it_needs_until_run_is_pressed(particles):
    form = JobForm(Class2D, project=particles)
    form.input_problems()
    assert ">needed<" in form.fields["fn_img"]._below.value
    assert "rl-problem" not in form.fields["fn_img"]._below.value + form._message.value
    assert "●" not in "".join(form._pages.titles)
    assert "Needed before the job can run: Input images STAR file" in form._message.value
    form._launch.run.click()
    assert "rl-problem" in form.fields["fn_img"]._below.value
    assert "rl-problem" in form._message.value
    assert particles.pipeline.processes[1:] == ()
    form.fields["fn_img"].entry.value = "Import/job001/p.star"
    assert form.input_problems() == []
    assert "rl-problem" not in form.fields["fn_img"]._below.value + form._message.value


def test_what_is_usual_is_filled_in_but_not_over_what_was_typed(particles, monkeypatch):
    usual = Suggestion(Class2D(fn_img="Import/job001/p.star", nr_classes=2), "2D classification", "Sort them.")
    form = JobForm(Class2D, project=particles)
    form.fill_as_usual(lambda: (particles.job("Import/job001"), usual))
    until(lambda: "after Import/job001" in form._head.title.value)
    assert form.job == usual.job
    typed = JobForm(Class2D, project=particles)
    typed.fields["nr_classes"].entry.value = "7"
    told: list[str] = []
    monkeypatch.setattr(typed._head, "name", lambda _title, told_after: told.append(told_after))
    typed.fill_as_usual(lambda: (particles.job("Import/job001"), usual))
    until(lambda: told and told[-1] != "filling in …")
    assert told[-1] == ""
    assert typed.job == Class2D(nr_classes=7)


def test_what_may_be_wrong_is_a_doubt_that_keeps_nothing_from_running(particles, monkeypatch):
    from relionlab.jobs.input_checks import InputFindings
    from relionlab.widgets.forms import inputs_look

    found = InputFindings(doubts=("Input images STAR file (fn_img): the header says otherwise.",))
    monkeypatch.setattr(inputs_look, "input_findings", lambda *_, **__: found)
    form = JobForm(Class2D(fn_img="Import/job001/p.star"), project=particles)
    form.input_problems()
    assert '<div class="rl-doubt">the header' in form.fields["fn_img"]._below.value
    assert not form._launch.run.disabled
