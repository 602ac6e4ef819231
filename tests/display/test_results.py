"""Reading what the pictures are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.results import (
    ClassAverages,
    find_file,
    model_files,
    read_class_averages,
    read_course,
)
from relionlab.errors import InputError, NodeError


def test_class_averages_of_the_last_iteration(class2d_directory):
    averages = read_class_averages(class2d_directory)
    assert averages.iteration == 2
    assert averages.images.shape == (6, 24, 24)
    assert averages.pixel_size == 4.0
    assert averages.counts.tolist() == [24, 15, 9, 7, 5, 0]
    assert averages.resolution[:5].tolist() == [12, 14, 20, 24, 30]
    assert np.isnan(averages.accuracy_rotations[2])  # 999 means not determined


def test_without_particle_table_counts_are_unknown(class2d_directory):
    (class2d_directory / "run_it002_data.star").unlink()
    assert read_class_averages(class2d_directory).counts.tolist() == [-1] * 6


def test_orders():
    averages = ClassAverages.from_arrays(
        np.zeros((3, 8, 8)), pixel_size=1.0, counts=np.array([5, 20, 10]), resolution=np.array([8.0, 12.0, np.inf])
    )
    assert averages.take(averages.order("size")).numbers.tolist() == [2, 3, 1]
    assert averages.take(averages.order("resolution")).numbers.tolist() == [1, 2, 3]
    assert averages.take(averages.order("number")).numbers.tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="expected one of size, resolution, number"):
        averages.order("beauty")


def test_course(class2d_directory):
    course = read_course(class2d_directory)
    assert course.iterations.tolist() == [0, 1, 2]
    assert course.resolution.tolist() == [30, 25, 20]
    assert np.isnan(course.changed_classes[0])
    assert course.changed_classes[1:].tolist() == [0.5, 0.25]
    assert course.share.shape == (3, 6)


def test_before_the_first_iteration_nothing_is_known(class2d_directory):
    start = read_class_averages(class2d_directory / "run_it000_model.star")
    assert start.counts.tolist() == [-1] * 6
    course = read_course(class2d_directory)
    assert np.isnan(course.log_likelihood[0])
    assert np.isfinite(course.log_likelihood[1:]).all()


def test_iterations_of_a_continued_run_are_in_order(class2d_directory):
    for suffix in ("model", "optimiser"):
        source = class2d_directory / f"run_it002_{suffix}.star"
        source.rename(class2d_directory / f"run_ct1_it012_{suffix}.star")
    assert [path.name for path in model_files(class2d_directory)][-1] == "run_ct1_it012_model.star"


def test_missing_results_and_stacks_are_named(tmp_path, class2d_directory):
    with pytest.raises(NodeError, match="holds no run_itNNN"):
        read_class_averages(tmp_path)
    (class2d_directory / "run_it002_classes.mrcs").unlink()
    with pytest.raises(NodeError, match=r"run_it002_classes\.mrcs"):
        read_class_averages(class2d_directory)


def test_file_beside_the_table_is_found_when_the_project_moved(tmp_path):
    (tmp_path / "classes.mrcs").touch()
    assert find_file("Gone/job007/classes.mrcs", tmp_path / "model.star") == tmp_path / "classes.mrcs"


def test_real_relion_5_job(shared_data):
    averages = read_class_averages(shared_data / "empiar10204_betagal_relion5" / "Class2D" / "job010")
    assert len(averages) == 50
    assert averages.counts.sum() == 2374
    assert averages.resolution[27] == pytest.approx(17.427692)


def test_real_relion_31_course(shared_data):
    course = read_course(shared_data / "relion31_tutorial_meta" / "Class2D" / "job008")
    assert course.iterations.tolist() == [25]
    assert np.isfinite(course.resolution[0])
