"""The form: made from the declaration alone, checked as it is typed, and each button one public method."""

from __future__ import annotations

import ipywidgets as w
import pytest

from relionlab.errors import JobStateError, ParameterError
from relionlab.jobs.importing.job import Import
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.registry import job_types
from relionlab.jobs.selecting.select import Select
from relionlab.params import to_text
from relionlab.project.input_choices import input_choices
from relionlab.project.pipeline import Pipeline
from relionlab.widgets import JobForm
from relionlab.widgets.forms.choice_box import ChoiceBox
from tests.waiting import until


def files_for(parameter, project):
    return [choice.path for choice in input_choices(parameter, project)]


@pytest.mark.parametrize("label", sorted(job_types()))
def test_every_parameter_has_its_field(label):
    job_type = job_types()[label]
    form = JobForm(job_type)
    assert set(form.fields) == set(job_type.parameters())
    assert form.job == job_type()
    form._head.level.value = "developer"
    for index, (tab, names) in enumerate(job_type.tabs().items()):
        form._pages.selected_index = index
        assert form._pages.titles[index].removesuffix(" ●") == tab
        assert set(form._pages.children[index].children) == {form.fields[name].row for name in names}


@pytest.mark.parametrize("job_type", [Class2D, Import, Select])
def test_every_entry_shows_its_default_and_unit(job_type):
    form = JobForm(job_type)
    for name, field in form.fields.items():
        default, parameter = job_type.default(name), job_type.parameters()[name]
        shown = field.entry.value
        assert shown == (default if isinstance(field.entry, w.Checkbox | w.Dropdown) else to_text(default))
        if parameter.unit != "unitless":
            assert parameter.unit in "".join(
                child.value for child in field.row.children[0].children if isinstance(child, w.HTML)
            )
        assert (field.entry.tip if isinstance(field.entry, ChoiceBox) else field.entry.tooltip) == parameter.help


def test_typing_changes_the_job():
    form = JobForm(Class2D)
    form.fields["nr_classes"].entry.value = "35"
    form.fields["particle_diameter"].entry.value = "180.5"
    assert (form.job.nr_classes, form.job.particle_diameter) == (35, 180.5)
    assert "nr_classes=35" in form._copies.line.value


@pytest.mark.parametrize("job_type", job_types().values())
def test_copied_code_runs_where_nothing_was_imported(job_type):
    form = JobForm(job_type)
    *lines, last = form._copies.python.text.splitlines()
    nothing: dict[str, object] = {}
    exec("\n".join(lines), nothing)
    assert eval(last, nothing) == form.job
    assert form._copies.python.text.endswith(repr(form.job))  # the grey line, which people see


def test_slider_and_box_move_together():
    field = JobForm(Class2D).fields["particle_diameter"]
    field.slider.value = 250
    assert field.entry.value == "250"
    field.entry.value = "90"
    assert field.slider.value == 90
    field.entry.value = "5000"  # beyond what is suggested, but allowed: the slider stops at its end
    assert (field.slider.value, field.read()) == (field.slider.max, 5000)


def test_typed_value_survives_the_steps_of_the_slider():
    """The browser rounds a slider to its step and says so; that must not change what was typed."""
    form = JobForm(Import)
    field = form.fields["angpix"]
    field.entry.value = "0.85"
    steps = (field.slider.value - field.slider.min) / field.slider.step
    assert steps == pytest.approx(round(steps))  # so that the browser has nothing to round
    field.slider.slid(field.slider.value + 1e-9)  # what it reports all the same
    assert form.job.angpix == 0.85
    field.slider.value = 1.5  # what a hand does
    assert form.job.angpix == 1.5


def test_slider_is_what_the_declaration_suggests():
    for name, field in JobForm(Class2D).fields.items():
        suggested = Class2D.parameters()[name].suggested
        assert (field.slider is not None) == (suggested is not None)
        if suggested:
            assert (field.slider.min, field.slider.max) == suggested[:2]


def test_value_out_of_bounds_says_so_beside_its_field():
    form = JobForm(Class2D(fn_img="particles.star"))
    form.fields["nr_classes"].entry.value = "0"
    [problem] = form.problems()
    assert problem in below(form, "nr_classes")
    assert below(form, "nr_iter") == ""
    assert "1 value needs a correction before the job can run (tab Optimisation)" in form._message.value
    assert form._launch.run.disabled
    form.fields["nr_classes"].entry.value = "5"
    assert form.problems() == []
    assert below(form, "nr_classes") == ""
    assert not form._launch.run.disabled


def test_nonsense_is_said_in_the_same_words_as_everywhere():
    form = JobForm(Class2D(fn_img="particles.star"))
    form.fields["nr_classes"].entry.value = "many"
    with pytest.raises(ParameterError) as wanted:
        Class2D.parse("nr_classes", "many")
    assert form.problems() == [str(wanted.value)]
    with pytest.raises(ParameterError, match="many"):
        _ = form.job


def test_what_does_not_apply_is_grey_and_not_complained_about():
    form = JobForm(Import)
    form.fields["angpix"].entry.value = "-1"
    assert any("angpix" in problem for problem in form.problems())
    form.fields["do_raw"].entry.value = False
    assert form.fields["angpix"].entry.disabled
    assert form.fields["angpix"].slider.disabled
    assert "rl-off" in form.fields["angpix"].row._dom_classes
    assert not any("angpix" in problem for problem in form.problems())


@pytest.mark.parametrize("job_type", [Class2D, Import, Select])
def test_grey_is_what_the_declaration_says(job_type):
    form = JobForm(job_type)
    for name, field in form.fields.items():
        assert field.entry.disabled is not form.job.applies(name)


def test_optional_number_can_be_empty():
    optional = [
        name for name, p in Class2D.parameters().items() if p.none_as is not None and Class2D.kind(name)[0] is not str
    ]
    form = JobForm(Class2D)
    for name in optional:
        form.fields[name].entry.value = "12"
        assert getattr(form.job, name) == 12
        form.fields[name].entry.value = ""
        assert getattr(form.job, name) is None
    assert optional


def test_levels_hide_rows_and_empty_pages():
    form = JobForm(Class2D)
    assert shown(form) == {name for name, p in Class2D.parameters().items() if p.level == "basic"}
    form._head.level.value = "developer"
    assert shown(form) == set(Class2D.parameters())
    assert [title.removesuffix(" ●") for title in form._pages.titles] == list(Class2D.tabs())


def shown(form):
    """The parameters whose rows are on the pages."""
    rows = []
    for index in range(len(form._pages.children)):
        form._pages.selected_index = index
        rows += form._pages.children[index].children
    return {name for name, field in form.fields.items() if field.row in rows}


def below(form, name):
    """What stands below an entry: what is wrong, what the file holds, the explanation."""
    assert form.fields[name].row
    return form.fields[name]._below.value


def test_a_page_that_was_not_looked_at_makes_no_widgets():
    form = JobForm(Class2D)
    assert {name for name, field in form.fields.items() if field.made} == {
        name for name in Class2D.tabs()["I/O"] if Class2D.parameters()[name].level == "basic"
    }


def test_a_switch_stands_above_what_waits_for_it():
    names = JobForm(PostProcess)._pages.names["Sharpen"]
    assert names[:4] == ["do_auto_bfac", "autob_lowres", "do_adhoc_bfac", "adhoc_bfac"]


def test_pages_stand_in_relions_order():
    form = JobForm(Class2D(fn_img="particles.star"), level="developer")
    wanted = ["I/O", "CTF", "Optimisation", "Sampling", "Compute", "Running"]
    assert [title for title in form._pages.titles if title in wanted] == wanted


def test_explanations_can_be_read():
    form = JobForm(Class2D)
    form._pages.selected_index = list(form._pages.titles).index("Optimisation")
    assert below(form, "nr_classes") == ""
    form._head.explain.value = True
    assert "Default:" in below(form, "nr_classes")
    assert "--K" in below(form, "nr_classes")


def test_set_fills_the_form():
    form = JobForm(Class2D)
    form.set(nr_classes=7, particle_diameter=111.0)
    assert form.fields["nr_classes"].entry.value == "7"
    assert form.job.particle_diameter == 111


def test_form_without_project_has_no_run():
    form = JobForm(Class2D)
    with pytest.raises(JobStateError, match="no project"):
        form.run()
    with pytest.raises(JobStateError, match="press Run first"):
        form.abort()


def test_files_are_those_of_the_right_kind(project):
    (project.directory / "particles.star").write_text("data_\n")
    (project.directory / "model.mrc").touch()
    project.add(
        Import(do_raw=False, do_other=True, fn_in_other="particles.star", node_type="Particles STAR file (.star)")
    )
    project.add(Import(do_raw=False, do_other=True, fn_in_other="model.mrc", node_type="3D reference (.mrc)"))
    assert files_for(Class2D.parameters()["fn_img"], project) == ["Import/job001/particles.star"]
    form = JobForm(Class2D, project=project)
    assert form.fields["fn_img"].entry.paths == ("Import/job001/particles.star",)


def test_a_field_for_an_mtf_offers_detectors_before_files(project, monkeypatch, tmp_path):
    (project.directory / "mine.star").touch()
    field = PostProcess.parameters()["fn_mtf"]
    offered = files_for(field, project)
    assert offered[:2] == ["k2_200kV", "k2_300kV"]
    assert "mine.star" in offered
    assert files_for(field, None) == [name for name in offered if "." not in name]
    monkeypatch.setenv("RELIONLAB_MTF_FOLDER", str(tmp_path / "none"))  # said when a job is run
    assert "mine.star" in files_for(field, project)


class Recorder:
    """Stands for a project and a job directory, and writes down what is asked of it."""

    def __init__(self):
        self.asked, self.state, self.name, self.message = [], "finished", "Import/job001", ""
        self.job = Import()

    def run(self, job):
        self.asked.append(("run", job))
        return self

    def abort(self):
        self.asked.append(("abort",))

    def continue_with(self, **changes):
        self.asked.append(("continue_with", changes))
        return self

    pipeline = Pipeline()
    alias_name = None
    progress = lambda self: None  # noqa: E731
    path = property(lambda self: self.directory)


def test_each_button_calls_one_public_method(tmp_path):
    project = Recorder()
    project.directory = tmp_path
    form = JobForm(Import, project=project)
    started = []
    form.on_start(started.append)
    form._launch.run.click()
    assert project.asked == [("run", form.job)]
    assert started == [project]
    assert form.ensure_started() is project
    form._launch.abort.click()
    form._launch.go_on.click()
    assert project.asked[1:] == [("abort",), ("continue_with", {})]


@pytest.fixture
def ended(tmp_path):
    """A form whose job has ended, and who wrote down what was asked of it."""
    project = Recorder()
    project.directory, project.job, project.name = tmp_path, Class2D(fn_img="particles.star"), "Class2D/job002"
    form = JobForm(project.job, project=project)
    (tmp_path / "particles.star").write_text("data_\n")
    form.run()
    until(lambda: not form._watch.alive)
    return form, project.asked


def test_nonsense_stops_continue_where_it_would_be_used(ended):
    form, asked = ended
    assert not form._launch.go_on.disabled
    form.fields["nr_iter"].entry.value = "many"
    assert form._launch.go_on.disabled
    with pytest.raises(ParameterError, match="'many'"):
        form.continue_job()
    form.fields["nr_iter"].entry.value = "0"
    assert form._launch.go_on.disabled
    form.fields["nr_iter"].entry.value = "40"
    form.fields["nr_classes"].entry.value = "many"  # a continued job keeps its classes
    assert form._launch.run.disabled
    assert not form._launch.go_on.disabled
    form.continue_job()
    assert asked[-1] == ("continue_with", {"nr_iter": 40})


def test_second_continue_goes_on_from_the_last_iteration_too(ended):
    form, asked = ended
    form.directory.job = form.job.changed(fn_cont="Class2D/job002/run_it005_optimiser.star")  # it was continued before
    form.continue_job()
    assert asked[-1] == ("continue_with", {})  # not with fn_cont="", which would begin anew
    form.fields["fn_cont"].entry.value = "Class2D/job002/run_it003_optimiser.star"
    form.continue_job()
    assert asked[-1] == ("continue_with", {"fn_cont": "Class2D/job002/run_it003_optimiser.star"})


def test_continue_says_what_it_does_not_change(ended):
    form, _ = ended
    form.set(nr_iter=40, nr_classes=7)
    said = []
    form._message.observe(lambda change: said.append(change["new"]), "value")
    form.continue_job()
    assert "Number of classes. Run makes a new job" in said[0]
    assert "iterations" not in said[0]


def test_job_that_ends_while_it_is_looked_at_can_be_continued(ended):
    form, _ = ended
    states = iter(["running", *["finished"] * 9])
    type(form.directory).state = property(lambda self: next(states), lambda self, _: None)
    try:
        while form._look():
            pass
        assert form._launch.abort.disabled
        assert not form._launch.go_on.disabled
    finally:
        del type(form.directory).state


def test_refusals_are_shown_not_raised():
    form = JobForm(Import)
    form._launch.run.click()
    assert "no project" in form._message.value
