"""The pipeline as a flowchart: all of it or one branch, in colours or anonymous, saved as SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as w

from relionlab.display.pipeline_graph import PipelineGraph, pipeline_graph
from relionlab.display.words import many
from relionlab.errors import ProjectError
from relionlab.project import Project
from relionlab.project.relatives import Relatives
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.pipeline.graph_view import GraphView
from relionlab.workflows.job_rows import JobRows

_ALL = "all jobs"


class PipelineView(w.VBox):
    """The flowchart of a project.

    project  nothing is written into it
    on_job   called with the name of a job whose box is clicked
    branch   name of a job: only what it was made from and what was made from it
    """

    def __init__(
        self,
        project: Project,
        *,
        on_job: Callable[[str], None] | None = None,
        branch: str = "",
        rows: JobRows | None = None,
    ) -> None:
        self.project = project
        self._rows = rows or JobRows(project)
        self.view = GraphView(name=f"{project.directory.name}_flowchart")
        self._branch = w.Dropdown(
            options=self._branches(), value=branch, tooltip="Which part is shown", layout=w.Layout(width="320px")
        )
        self._anonymous = w.ToggleButton(
            description="For publication",
            tooltip="Types of jobs alone: no names, numbers or states",
            layout=w.Layout(width="130px"),
        )
        self._told = w.HTML()
        super().__init__(
            [style_sheet(), w.HBox([w.Label("Show"), self._branch, self._anonymous, self._told]), self.view]
        )
        self.add_class("rl-pipeline")
        if on_job is not None:
            self.view.on("job", on_job)
        for control in (self._branch, self._anonymous):
            control.observe(lambda _change: self.refresh(), "value")
        self.refresh()

    @property
    def graph(self) -> PipelineGraph:
        """The flowchart as chosen, from the pipeline as it is now."""
        pipeline = self.project.pipeline
        rows = {row.name: row for row in self._rows.read()}
        name = self._branch.value
        return pipeline_graph(
            pipeline,
            only=Relatives.of(pipeline).history(name) if name else None,
            numbers={key: row.number for key, row in rows.items()},
            states={key: row.state for key, row in rows.items()},
            anonymous=self._anonymous.value,
            current=name,
        )

    def refresh(self) -> None:
        """Draw the pipeline anew; the page changes only if the picture does."""
        graph = self.graph
        self._told.value = f'<span class="rl-muted">&nbsp; {many(len(graph.jobs), "job")}</span>'
        self.view.svg = graph.svg
        options = self._branches()
        if tuple(self._branch.options) != options:
            kept = self._branch.value
            self._branch.options = options
            self._branch.value = kept if kept in {b: a for a, b in options} else ""

    def save(self, path: str | Path) -> Path:
        """Write the flowchart as shown into an SVG file."""
        target = Path(path).with_suffix(".svg")
        try:
            target.write_text(self.graph.svg, encoding="utf-8")
        except OSError as error:
            raise ProjectError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
        return target

    def _branches(self) -> tuple[tuple[str, str], ...]:
        jobs = [
            (f"the branch of {p.name}" + (f" ({p.alias.rpartition('/')[2]})" if p.alias else ""), p.name)
            for p in reversed(self.project.pipeline.processes)
        ]
        return ((_ALL, ""), *jobs)
