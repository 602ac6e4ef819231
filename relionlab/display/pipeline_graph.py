"""The flowchart of a project as SVG: a box for each job, coloured by state, arrows where files pass.

    graph = pipeline_graph(project.pipeline)
    Path("flowchart.svg").write_text(graph.svg)

In the picture itself each box is ``<g class="rl-job" data-job="Class2D/job008">``, so that a page can make it a link.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from relionlab.display.pipeline_layout import Layout, layout
from relionlab.jobs.workflow_stages import stage_of, type_of
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.relatives import Relatives

BOX = (178, 46)
GAP = (22, 34)
MARGIN = 16
_NUMBER_LETTERS = 28

STATE_LOOKS: dict[str, tuple[str, str, str]] = {
    "finished": ("#E3F3EC", "#00785A", "M-4,0 L-1,3.5 L4.5,-3.5"),
    "running": ("#DCECF8", "#0072B2", "M-3,-4.5 L4.5,0 L-3,4.5 Z"),
    "scheduled": ("#F2F2F2", "#6E6E6E", "M0,-4.5 A4.5,4.5 0 1 1 -0.01,-4.5 M0,-2.5 L0,0.5 L2.5,1.5"),
    "failed": ("#FBE6DA", "#B54A00", "M-3.5,-3.5 L3.5,3.5 M3.5,-3.5 L-3.5,3.5"),
    "aborted": ("#FAF0DC", "#8A5A00", "M-3.5,-3.5 H3.5 V3.5 H-3.5 Z"),
}
"""State -> colour of the box, of its edge and text, and the sign (a path) that tells it without colours."""


@dataclass(frozen=True)
class PipelineGraph:
    """A flowchart.

    svg     the picture, a document of its own
    width, height  its size in screen pixels
    jobs    names of the jobs in it
    """

    svg: str
    width: int
    height: int
    jobs: tuple[str, ...]

    def _repr_svg_(self) -> str:
        return self.svg


def pipeline_graph(
    pipeline: Pipeline,
    *,
    only: Collection[str] | None = None,
    numbers: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    anonymous: bool = False,
    current: str = "",
) -> PipelineGraph:
    """Draw a pipeline.

    only       names of the jobs to be drawn, as those of one branch (all)
    numbers    job -> the number that matters, below its name
    states     job -> state where that is known better than the pipeline has it
    anonymous  for publication: types and the jobs' order alone, no aliases, numbers, states or folders
    current    job that is to be marked
    """
    shown = [p for p in pipeline.processes if only is None or p.name in only]
    names = [process.name for process in shown]
    relatives = Relatives.of(pipeline)
    edges = {
        (maker.name, name): len(maker.nodes) for name in names for maker in relatives.made_from(name) if maker.name
    }
    places = layout(names, edges)
    width = round(2 * MARGIN + places.width * (BOX[0] + GAP[0]) - GAP[0])
    height = round(2 * MARGIN + places.height * (BOX[1] + GAP[1]) - GAP[1])
    lines = [_edge(pair, places, named=not anonymous) for pair in edges if pair in places.bends]
    boxes = [
        _box(
            process,
            _corner(places, process.name),
            state=(states or {}).get(process.name, process.state),
            number=(numbers or {}).get(process.name, ""),
            name=_anonymous(process, shown) if anonymous else "",
            current=process.name == current,
        )
        for process in shown
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="Helvetica, Arial, sans-serif" role="img" aria-label="Flowchart of {len(shown)} jobs">'
        '<defs><marker id="rl-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0.8 L7.5,4 L0,7.2 Z" fill="#8A8A8A"/></marker></defs>'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )
    return PipelineGraph(svg, width, height, tuple(names))


def _anonymous(process: Process, shown: list[Process]) -> str:
    """Return a name that tells the type alone, and which of its kind it is in the order of the project."""
    alike = [other.name for other in shown if type_of(other.label) == type_of(process.label)]
    folder = type_of(process.label).folder
    return folder if len(alike) == 1 else f"{folder} {alike.index(process.name) + 1}"


def _x(place: float) -> float:
    return MARGIN + place * (BOX[0] + GAP[0])


def _y(layer: float) -> float:
    return MARGIN + layer * (BOX[1] + GAP[1])


def _corner(places: Layout, name: str) -> tuple[float, float]:
    return _x(places.place[name]), _y(places.layer[name])


def _edge(pair: tuple[str, str], places: Layout, *, named: bool) -> str:
    """Return a smooth line from the bottom of one box, past the boxes between, to the top of the other."""
    (x0, y0), (x1, y1) = _corner(places, pair[0]), _corner(places, pair[1])
    half = BOX[0] / 2
    points = [(x0 + half, y0 + BOX[1])]
    for step, place in enumerate(places.bends[pair], 1):
        y = _y(places.layer[pair[0]] + step)
        points += [(_x(place) + half, y), (_x(place) + half, y + BOX[1])]
    points.append((x1 + half, y1))
    path = f"M{points[0][0]:.0f},{points[0][1]:.0f}"
    for number, ((xa, ya), (xb, yb)) in enumerate(itertools.pairwise(points)):
        if number % 2:  # past a box, straight down
            path += f" L{xb:.0f},{yb:.0f}"
        else:
            bend = 0.55 * (yb - ya)
            path += f" C{xa:.0f},{ya + bend:.0f} {xb:.0f},{yb - bend:.0f} {xb:.0f},{yb:.0f}"
    names = (
        f' data-from="{html.escape(pair[0], quote=True)}" data-to="{html.escape(pair[1], quote=True)}"' if named else ""
    )
    return f'<path class="rl-edge"{names} d="{path}" fill="none" stroke="#8A8A8A" stroke-width="1.3" marker-end="url(#rl-arrow)"/>'


def _box(process: Process, corner: tuple[float, float], **look: object) -> str:
    state, number, name, current = (look[key] for key in ("state", "number", "name", "current"))
    fill, ink, sign = STATE_LOOKS.get(str(state), STATE_LOOKS["scheduled"])
    width, height = BOX
    x, y = corner
    if name:  # anonymous: the type alone, in the middle of a white box
        return (
            f'<g transform="translate({x:.0f},{y:.0f})"><rect width="{width}" height="{height}" rx="5" fill="#FFFFFF" '
            f'stroke="#444444" stroke-width="1.2"/><text x="{width / 2:.0f}" y="{height / 2 + 5:.0f}" font-size="13" '
            f'text-anchor="middle" fill="#222222">{html.escape(str(name))}</text></g>'
        )
    folder, _, own = process.name.rpartition("/")
    alias = (process.alias or "").rpartition("/")[2]
    second = _cut(" · ".join(part for part in (alias, str(number)) if part), _NUMBER_LETTERS)
    tip = f"{process.name}{f' ({alias})' if alias else ''}: {state}{f', {number}' if number else ''} · {stage_of(process.label)}"
    stroke = 'stroke-width="2.6"' if current else 'stroke-width="1.1"'
    escaped = html.escape(process.name, quote=True)
    return (
        f'<g class="rl-job" data-job="{escaped}" tabindex="0" role="link" aria-label="{html.escape(tip, quote=True)}" '
        f'transform="translate({x:.0f},{y:.0f})"><title>{html.escape(tip)}</title>'
        f'<rect width="{width}" height="{height}" rx="5" fill="{fill}" stroke="{ink}" {stroke}/>'
        f'<path d="{sign}" transform="translate(13,15)" fill="none" stroke="{ink}" stroke-width="1.8"/>'
        f'<text x="24" y="19" font-size="13" font-weight="bold" fill="#1A1A1A">{html.escape(folder or own)}</text>'
        f'<text x="{width - 8}" y="19" font-size="11" text-anchor="end" fill="#4A4A4A">{html.escape(own if folder else "")}</text>'
        f'<text x="10" y="37" font-size="11.5" fill="{ink}">{html.escape(second)}</text></g>'
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
