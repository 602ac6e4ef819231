"""Select: the form, the classes that are kept, and what is written."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import NodeError, ParameterError
from relionlab.io.images import read_stack
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.registry import program
from relionlab.jobs.selecting.class_scores import choose, score_classes
from relionlab.jobs.selecting.select import Select
from relionlab.jobs.selecting.selection import parse_numbers, recentred
from tests.jobs.small_files import BOX, disc


def run(job: Select, context, output: str = "Select/job003/") -> None:
    """Run a job by its own command line; all that it promises must be there."""
    job.check()
    for command in job.commands(output):
        context.path(output).mkdir(parents=True, exist_ok=True)
        program(command.program).from_flags(command.arguments).run(context)
    for node in job.outputs(output):
        assert context.path(node.path).exists(), node


def kept_classes(here) -> set[int]:
    return set(read_star(here / "Select/job003/particles.star")["particles"]["rlnClassNumber"].tolist())


def test_classes_by_number(here, context, classification):
    run(Select(fn_model=classification, classes="1,3", do_recenter=False), context)
    assert kept_classes(here) == {1, 3}
    backup = read_star(here / "Select/job003/backup_selection.star")[""]
    assert backup["rlnSelected"].tolist() == [1, 0, 1, 0]
    averages = read_star(here / "Select/job003/class_averages.star")[""]
    assert averages["rlnClassNumber"].tolist() == [1, 3]
    assert averages["rlnReferenceImage"][1] == "000003@Class2D/job002/run_it003_classes.mrcs"
    assert "optics" in read_star(here / "Select/job003/particles.star")


def test_classes_by_optimiser_of_later_relions(here, context, classification):
    run(Select(fn_model=classification.replace("_model", "_optimiser"), classes="2"), context)
    assert kept_classes(here) == {2}


def test_classes_by_rank(here, context, classification):
    run(Select(fn_model=classification, do_class_ranker=True, rank_threshold=0.5), context)
    assert kept_classes(here) == {1, 3}
    scores = read_star(here / "Select/job003/class_scores.star")["class_scores"]
    assert scores["rlnPredictedClassScore"].argsort().tolist()[:2] == [3, 1]


def test_minima_take_the_next_best(here, context, classification):
    run(Select(fn_model=classification, do_class_ranker=True, rank_threshold=0.99, select_nr_classes=2), context)
    assert kept_classes(here) == {1, 3}
    run(Select(fn_model=classification, do_class_ranker=True, rank_threshold=0.99, select_nr_parts=35), context)
    assert kept_classes(here) == {1, 2, 3}


def test_recentred_averages_are_a_new_stack(here, context, classification):
    run(Select(fn_model=classification, classes="1,3", do_recenter=True), context)
    averages = read_star(here / "Select/job003/class_averages.star")[""]
    assert averages["rlnReferenceImage"][1] == "000002@Select/job003/class_averages.mrcs"
    assert read_stack(here / "Select/job003/class_averages.mrcs").shape == (2, BOX, BOX)


def test_at_most_so_many_of_each_class(here, context, classification):
    job = Select(fn_model=classification, classes="1-3", max_per_class=5)
    run(job, context)
    first = read_star(here / "Select/job003/particles.star")["particles"]
    assert np.bincount(first["rlnClassNumber"]).tolist() == [0, 5, 5, 5]
    run(job, context)
    assert read_star(here / "Select/job003/particles.star")["particles"] == first
    run(job.changed(random_seed=1), context)
    assert read_star(here / "Select/job003/particles.star")["particles"] != first


def test_regrouping_joins_by_scale(here, context, classification):
    run(Select(fn_model=classification, classes="1-4", do_regroup=True, nr_groups=2), context)
    rows = read_star(here / "Select/job003/particles.star")["particles"]
    groups = {name: set(rows["rlnMicrographName"][rows["rlnGroupName"] == name]) for name in set(rows["rlnGroupName"])}
    assert groups == {"group_1": {"mic1.mrc", "mic2.mrc"}, "group_2": {"mic0.mrc"}}  # scales 0.8, 1.1 | 1.2


def test_lists_by_value_and_by_number(here, context, particles):
    run(
        Select(fn_data="particles.star", do_select_values=True, select_label="rlnDefocusU", select_maxval=10000),
        context,
    )
    values = read_star(here / "Select/job003/particles.star")["particles"]["rlnDefocusU"]
    assert 0 < len(values) < 40
    assert values.max() <= 10000
    run(Select(fn_data="particles.star", classes="2,4-5"), context)
    chosen = read_star(here / "Select/job003/particles.star")["particles"]["rlnImageName"].tolist()
    assert chosen == ["000002@stack.mrcs", "000004@stack.mrcs", "000005@stack.mrcs"]


def test_odd_images_are_discarded(here, context, particles):
    run(Select(fn_data="particles.star", do_discard=True), context)
    assert len(read_star(here / "Select/job003/particles.star")["particles"]) == 39


def test_splits_tell_the_pipeline_their_outputs(here, context, particles):
    run(Select(fn_data="particles.star", do_split=True, split_size=15), context)
    nodes = read_star(here / "Select/job003/RELION_OUTPUT_NODES.star")["output_nodes"]
    assert nodes["rlnPipeLineNodeName"].tolist() == [f"Select/job003/particles_split{n}.star" for n in (1, 2, 3)]
    parts = [read_star(here / name)["particles"] for name in nodes["rlnPipeLineNodeName"].tolist()]
    assert [len(part) for part in parts] == [15, 15, 10]


def test_random_halves_hold_everything_once(here, context, particles):
    run(Select(fn_data="particles.star", do_split=True, do_random=True, nr_split=2, split_size=-1), context)
    halves = [read_star(here / f"Select/job003/particles_split{n}.star")["particles"] for n in (1, 2)]
    names = [half["rlnImageName"].tolist() for half in halves]
    assert len(names[0]) == len(names[1]) == 20
    assert len({*names[0], *names[1]}) == 40
    assert names[0] != sorted(names[0])


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (Select(), "Give one input"),
        (Select(fn_data="a.star", fn_mic="b.star"), "Give one input"),
        (Select(fn_model="a_model.star"), "Choose classes"),
        (Select(fn_model="a_model.star", classes="1", do_split=True), "do_split works on particles"),
        (Select(fn_data="a.star"), "Choose one way to select"),
        (Select(fn_data="a.star", do_split=True, do_discard=True), "Choose one way to select"),
        (Select(fn_mic="a.star", do_remove_duplicates=True), "Duplicates are particles"),
        (Select(fn_data="a.star", do_split=True, split_size=-1), "To split, give"),
    ],
)
def test_what_does_not_go_together_is_said(job, said):
    assert any(said in problem for problem in job.problems())


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "interactive"),
        ({"do_select_values": True}, "onvalue"),
        ({"do_discard": True}, "discard"),
        ({"do_split": True}, "split"),
        ({"do_remove_duplicates": True}, "removeduplicates"),
        ({"do_class_ranker": True}, "class2dauto"),
    ],
)
def test_the_label_tells_how_is_selected(changes, label):
    assert Select(**changes).label() == f"relion.select.{label}"


def test_the_input_is_of_the_right_kind():
    assert Select(fn_model="a/run_it025_model.star").inputs()[0].kind == "ModelData.star.relion"
    assert Select(fn_model="a/run_it025_optimiser.star").inputs()[0].kind == "OptimiserData.star.relion"


def test_wrong_classes_are_said(here, context, classification):
    with pytest.raises(ParameterError, match=r"no class of .* with number 9: it has 1 to 4"):
        run(Select(fn_model=classification, classes="9"), context)
    with pytest.raises(ParameterError, match=r"no class scores 1 or more"):
        run(Select(fn_model=classification, do_class_ranker=True, rank_threshold=1), context)
    with pytest.raises(ParameterError, match=r"'x' in '1,x' is no number"):
        parse_numbers("1,x", 4, "class")
    (here / classification.replace("_model", "_data")).unlink()
    with pytest.raises(NodeError, match=r"the classification is not complete"):
        run(Select(fn_model=classification, classes="1"), context)


def test_a_renamed_folder_keeps_its_images(here, context, classification):
    (here / "Class2D/job002").rename(here / "Class2D/renamed")
    run(Select(fn_model="Class2D/renamed/run_it003_model.star", do_class_ranker=True), context)
    scores = read_star(here / "Select/job003/class_scores.star")["class_scores"]
    assert float(scores["rlnlabScoreImage"][0]) > 0


def test_numbers_and_ranges():
    assert parse_numbers("3, 1 5-7", 10, "class").tolist() == [1, 3, 5, 6, 7]


def test_recentring_moves_the_mass_to_the_middle():
    image = np.roll(disc(3), (3, -2), axis=(0, 1))
    assert np.abs(recentred(image[np.newaxis])[0] - disc(3)).max() < 1e-3


def test_a_particle_scores_above_noise(shared_data):
    """On RELION 5's 50 classes of real particles: what is above the default threshold holds mostly good particles."""
    folder = shared_data / "empiar10204_betagal_relion5/Class2D/job010"
    classes = read_star(folder / "run_it025_model.star")["model_classes"]
    images = read_stack(folder / "run_it025_classes.mrcs")
    scores = score_classes(classes, images, mask_radius_px=100 / 3.54)
    rows = read_star(folder / "run_it025_data.star.gz")["particles"]
    good = set(read_star(shared_data / "betagal/good.star")["particles"]["rlnImageName"].tolist())
    is_good = np.array([name in good for name in rows["rlnImageName"].tolist()])
    counts = np.bincount(rows["rlnClassNumber"], minlength=51)[1:]
    kept = choose(scores.score, counts, threshold=0.5)
    chosen = kept[rows["rlnClassNumber"] - 1]
    assert is_good[chosen].mean() > is_good.mean() + 0.05
    assert is_good[~chosen].mean() < 0.5
    assert chosen[is_good].mean() > 0.8
    assert scores.score[counts == 0].max() == 0


def test_edges_that_align_well_do_not_put_particles_down():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 32
    particle = np.exp(-((x / 12) ** 2) - (y / 7) ** 2) + 0.02 * rng.normal(size=(64, 64))
    edge = np.where(y > 14, 5.0, 0.0) * (np.hypot(x, y) < 27)
    classes = Table(
        {
            "rlnClassDistribution": [0.4, 0.3, 0.3],
            "rlnEstimatedResolution": [18.0, 20.0, 14.0],
            "rlnAccuracyRotations": [2.5, 3.0, 0.4],
        }
    )
    scores = score_classes(classes, np.stack([particle, particle.T, edge]), mask_radius_px=27)
    assert scores.score[:2].min() > 0.7
    assert scores.score[2] < 0.5
    assert scores.accuracy[0] == 1
