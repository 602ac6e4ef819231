"""The pages of jobs: walking, files, note, alias, questions before something goes, comparison, sweep, flowchart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from relionlab.errors import InputError
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.registry import job_types
from relionlab.project import Project
from relionlab.widgets.parts.opening import Drawer
from relionlab.widgets.pipeline.compare import CompareView
from relionlab.widgets.pipeline.graph import PipelineView
from relionlab.widgets.pipeline.job_list import spoken_time
from relionlab.widgets.pipeline.job_page import PANELS, JobPage
from relionlab.widgets.pipeline.job_views import job_views, view_of
from relionlab.widgets.pipeline.palette import job_type_entries
from relionlab.widgets.pipeline.row_table import RowTable
from relionlab.widgets.pipeline.showing import viewer
from relionlab.widgets.pipeline.sweep import SweepView
from tests.waiting import until
from tests.workflows.whole_project import whole_project


@pytest.fixture
def page_of(begun: Project):
    pages = []

    def make(name: str, **options) -> JobPage:
        pages.append(JobPage(begun.job(name), **options))
        return pages[-1]

    yield make
    for page in pages:
        page.close()


def test_walks_to_what_it_was_made_from_and_to_what_uses_it(page_of):
    walked = []
    page = page_of("job002", on_job=walked.append)
    (_, made), (_, used) = page.links.groups
    assert [link["text"] for link in made] == ["Import/job001"]
    assert used == []
    page._walk(made[0]["key"])
    assert walked == ["Import/job001"]
    (_, used) = page_of("job001").links.groups[1]
    assert [link["key"] for link in used] == ["job:Class2D/job002", "job:Class2D/job003"]


def test_every_panel_opens(page_of):
    page = page_of("job003")
    for name in PANELS:
        page._choice.value = name
        assert name in page._panels, page.actions.message.value


def test_parameters_show_what_was_changed(page_of):
    page = page_of("job003")
    page._choice.value = "Parameters"
    panel = page._panels["Parameters"]
    shown = {key: cells[1][0] for key, cells in panel._table.rows}
    assert shown == {"fn_img": "Import/job001/particles.star", "nr_classes": "9", "tau_fudge": "4"}
    panel._which.value = "all"
    assert len(panel._table.rows) > 20


def test_files_open_in_their_viewers(page_of):
    opened = []

    class Opener:
        def open(self, title, make):
            opened.append((title, make()))
            return opened[-1][1]

    page = page_of("job001", opener=Opener())
    page._choice.value = "Files"
    files = page._panels["Files"]
    assert [key for key, _ in files._outputs.rows] == ["Import/job001/particles.star"]
    files._outputs._heard(None, {"kind": "open", "key": "Import/job001/particles.star"}, None)
    assert opened[0][0] == "Import/job001/particles.star"


def test_note_and_alias_are_written(begun: Project, page_of):
    page = page_of("job002")
    page._choice.value = "Note"
    panel = page._panels["Note"]
    panel._entry.value = "too few classes"
    panel.add()
    assert "too few classes" in begun.job("job002").notes()
    assert "too few classes" in panel._text.value
    page.actions.ask_alias()
    entry, answer = page.actions.question.children[1], page.actions.question.children[2].children[0]
    entry.value = "fewer"
    answer.click()
    assert begun.job("job002").alias_name == "Class2D/fewer"
    assert page.actions.question.children == ()


def test_alias_that_relion_refuses_is_said(page_of):
    page = page_of("job002")
    page.actions.ask_alias()
    page.actions.question.children[1].value = "job9"
    page.actions.question.children[2].children[0].click()
    assert "begins with" in page.actions.message.value


def test_a_job_is_kept_from_harsh_cleaning_and_let_go_again(begun: Project, page_of):
    page, marker = page_of("job001"), begun.job("job001").path / "NO_HARSH_CLEAN"
    for label, kept in (("Never clean it harshly", True), ("Allow harsh cleaning", False)):
        page.actions.ask_clean()
        [button] = [one for one in page.actions.question.children[-1].children if one.description == label]
        button.click()
        assert marker.exists() is kept
    assert "may be cleaned harshly again" in page.actions.message.value


def test_a_job_that_is_continued_is_watched_again(begun: Project, page_of):
    job = begun.job("job002")
    job.mark("finished")
    page = page_of("job002")
    monitor = page._panels[PANELS[0]]
    until(lambda: not monitor.watches)
    assert "finished" in monitor.status._head.value
    (job.path / "RELION_JOB_EXIT_SUCCESS").unlink()
    job.set_state("running")
    page.refresh()
    until(lambda: "running" in monitor.status._head.value)
    job.mark("aborted")
    until(lambda: not monitor.watches)


def test_deleting_says_what_goes_and_who_misses_it(begun: Project, page_of):
    page = page_of("job001")
    page.actions.ask_delete()
    told = page.actions.question.children[0].value
    assert "Class2D/job002, Class2D/job003" in told
    labels = [button.description for button in page.actions.question.children[1].children]
    assert labels == ["Delete it alone", "Delete it and 2 more", "Cancel"]
    page.actions.question.children[1].children[2].click()
    assert len(begun.jobs()) == 3
    page.actions.ask_delete()
    page.actions.question.children[1].children[1].click()
    assert begun.jobs() == []


def test_marking_changes_the_state(begun: Project, page_of):
    page = page_of("job003")
    page.actions.ask_mark()
    next(b for b in page.actions.question.children[1].children if b.description == "finished").click()
    assert begun.job("job003").state == "finished"


def test_job_without_a_directory_and_job_of_an_unknown_type_are_shown(begun: Project, page_of):
    foreign = begun.add(ForeignJob(job_type="relion.multibody", options=(("fn_in", "a.star"),)))
    page = page_of(foreign.name)
    page._choice.value = "Parameters"
    assert page._panels["Parameters"]._table.rows[0][1][0] == "fn_in"
    assert page.actions._clone.disabled
    shutil.rmtree(foreign.path)
    assert "is not here" in page_of(foreign.name)._panels[PANELS[0]].value


def test_comparison_shows_differences_and_results(begun: Project):
    view = CompareView(begun, ["Class2D/job002", "Class2D/job003"])
    view.wait()
    rows = {key: [cell[0] for cell in cells[2:]] for key, cells in view._parameters.rows}
    assert rows == {"nr_classes": ["5", "9"], "tau_fudge": ["2", "4"]}
    assert view._parameters.columns[2:] == ["five", "Class2D/job003"]
    view.remove("Class2D/job002")
    assert "two or more" in view.message.value


def test_sweep_view_makes_the_jobs(begun: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("relionlab.workflows.sweep.Sweep.start", lambda self: self)
    view = SweepView(begun, begun.job("job002").job, period=1e6)
    try:
        assert view._parameter.value == "tau_fudge"
        assert view._values.value == "0.5, 1, 2, 4"
        view._values.value = "1, x"
        assert view._go.disabled
        view._values.value = "1, 3"
        assert view._go.description == "Make and run 2 jobs"
        sweep = view.run()
        assert [job.job.tau_fudge for job in sweep.jobs] == [1, 3]
        table = view._tables[sweep.name].table
        assert [cells[0][0] for _, cells in table.rows] == ["1", "3"]
    finally:
        view.close()


def test_flowchart_of_a_branch_and_its_file(begun: Project, tmp_path: Path):
    followed = []
    view = PipelineView(begun, on_job=followed.append)
    assert view.graph.jobs == ("Import/job001", "Class2D/job002", "Class2D/job003")
    view._branch.value = "Class2D/job002"
    assert view.graph.jobs == ("Import/job001", "Class2D/job002")
    view._anonymous.value = True
    assert "job002" not in view.view.svg
    assert view.save(tmp_path / "flow").read_text() == view.view.svg
    view.view._heard(None, {"kind": "job", "key": "Import/job001"}, None)
    assert followed == ["Import/job001"]


def test_palette_has_every_job_type_with_a_line():
    entries = job_type_entries()
    assert {entry.key.removeprefix("new:") for entry in entries} == set(job_types())
    assert all(entry.line.endswith(".") and entry.group for entry in entries)


def test_table_sends_nothing_for_nothing():
    table = RowTable(["A"])
    sent = []
    table.observe(lambda _change: sent.append(1), "rows")
    for _ in range(3):
        table.show([("a", ["1"])])
    assert len(sent) == 1


def test_missing_file_is_said(tmp_path: Path):
    with pytest.raises(InputError, match="not there"):
        viewer(tmp_path / "nothing.star")


def test_times_of_a_list_are_short():
    now = 1_700_000_000.0
    assert ":" in spoken_time(now - 60, now)
    assert len(spoken_time(now - 3 * 86_400, now).split()) == 2
    assert spoken_time(now - 900 * 86_400, now).endswith("2021")


def test_each_kind_of_job_offers_what_it_is_looked_at_with(tmp_path: Path):
    jobs = whole_project(Project.create(tmp_path / "whole"))
    keys = {name: [view.key for view in job_views(job)] for name, job in jobs.items()}
    assert keys["CtfFind"] == ["gallery", "plots"]
    assert keys["Class2D"] == ["classes", "plots"]
    assert keys["InitialModel"] == ["slices", "surface", "plots"]
    assert keys["Refine3D"] == ["slices", "surface", "mask", "plots"]
    assert "plots" not in keys["Import"] + keys["Extract"] + keys["MaskCreate"]
    plots = view_of(jobs["CtfFind"], "plots").make(Drawer())
    assert "Defocus over time" in plots.names
