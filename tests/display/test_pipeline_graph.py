"""The flowchart: layers, no box on another, states, branches, nothing told in the anonymous one."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from relionlab.display.pipeline_graph import STATE_LOOKS, pipeline_graph
from relionlab.display.pipeline_layout import layout
from relionlab.jobs.base import Node
from relionlab.project.pipeline import Pipeline, Process

KIND = "ParticleGroupMetadata.star.relion"


def pipeline(edges: dict[str, tuple[str, ...]]) -> Pipeline:
    made = Pipeline()
    for number, (name, sources) in enumerate(edges.items(), 1):
        process = Process(name, "relion.class2d", "finished", f"Class2D/secret{number}")
        inputs = [Node(f"{source}/out.star", KIND) for source in sources]
        made = made.with_process(process, inputs=inputs, outputs=[Node(f"{name}/out.star", KIND)])
    return made


def diamond() -> Pipeline:
    return pipeline(
        {"A/job001": (), "B/job002": ("A/job001",), "C/job003": ("A/job001",), "D/job004": ("B/job002", "C/job003")}
    )


def test_layers_follow_the_longest_way():
    places = layout(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])
    assert [places.layer[name] for name in "abcd"] == [0, 1, 2, 3]
    assert set(places.bends) == {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")}
    assert len(places.bends["a", "c"]) == 1


def test_boxes_of_a_layer_lie_apart():
    boxes = [f"job{number}" for number in range(60)]
    edges = [(boxes[(7 * number) % (number or 1)], boxes[number]) for number in range(1, 60)]
    places = layout(boxes, edges)
    for a, b in itertools.combinations(boxes, 2):
        assert places.layer[a] != places.layer[b] or abs(places.place[a] - places.place[b]) > 0.999


def test_chain_is_straight():
    names = [f"job{number}" for number in range(20)]
    places = layout(names, itertools.pairwise(names))
    assert {round(place, 6) for place in places.place.values()} == {0.0}


def test_circle_and_lost_jobs_do_no_harm():
    places = layout(["a", "b"], [("a", "b"), ("b", "a"), ("a", "gone"), ("a", "a")])
    assert sorted(places.layer.values()) == [0, 1]
    assert layout([], []).height == 1


def test_chain_of_thousands_is_laid_out():
    names = [f"job{number}" for number in range(3000)]
    assert layout(names, itertools.pairwise(names)).height == 3000


def test_svg_has_a_box_for_each_job_and_a_line_for_each_step():
    graph = pipeline_graph(diamond(), numbers={"D/job004": "6.9 Å"}, states={"D/job004": "failed"})
    root = ET.fromstring(graph.svg)
    space = "{http://www.w3.org/2000/svg}"
    assert {box.get("data-job") for box in root.iter(f"{space}g")} == {"A/job001", "B/job002", "C/job003", "D/job004"}
    assert sum(path.get("class") == "rl-edge" for path in root.iter(f"{space}path")) == 4
    assert "6.9 Å" in graph.svg
    assert STATE_LOOKS["failed"][0] in graph.svg
    sizes = [float(root.get(name)) for name in ("width", "height")]
    corners = [
        tuple(map(float, found)) for found in re.findall(r"data-job[^>]*translate\(([\d.]+),([\d.]+)\)", graph.svg)
    ]
    assert all(x < sizes[0] and y < sizes[1] for x, y in corners)


def test_branch_is_drawn_alone():
    assert pipeline_graph(diamond(), only={"A/job001", "B/job002"}).jobs == ("A/job001", "B/job002")


def test_publication_tells_types_alone():
    svg = pipeline_graph(diamond(), anonymous=True, numbers={"D/job004": "6.9 Å"}).svg
    assert not re.search(r"secret|job00|6\.9|finished|data-job", svg)
    assert ">Class2D 4<" in svg


@pytest.mark.parametrize("state", sorted(STATE_LOOKS))
def test_states_differ_without_colour(state: str):
    signs = [sign for _, _, sign in STATE_LOOKS.values()]
    assert signs.count(STATE_LOOKS[state][2]) == 1
