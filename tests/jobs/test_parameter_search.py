"""Finding parameters by any of their names, and saying what differs from the defaults."""

from __future__ import annotations

import pytest

from relionlab.jobs.differences import differences
from relionlab.jobs.parameter_search import find_parameters
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.registry import job_types
from relionlab.jobs.shell_text import shell_text


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("number of classes", "nr_classes"),
        ("--K", "nr_classes"),
        ("k", "nr_classes"),
        ("tau_fudge", "tau_fudge"),
        ("--tau2_fudge", "tau_fudge"),
        ("mask diam", "particle_diameter"),
        ("diamter mask", "particle_diameter"),  # mistyped
        ("GPU", "use_gpu"),
    ],
)
def test_parameters_are_found_by_label_key_flag_or_help(text, first):
    assert first in find_parameters(Class2D, text)[:3]


def test_exact_flag_comes_first():
    assert find_parameters(Class2D, "--K")[0] == "nr_classes"


def test_nothing_is_found_by_nothing():
    assert find_parameters(Class2D, "  ") == []
    assert find_parameters(Class2D, "xylophone") == []


def test_every_parameter_is_found_by_its_label():
    for kind in job_types().values():
        for name, parameter in kind.parameters().items():
            assert name in find_parameters(kind, parameter.label), (kind, name)


def test_differences_are_what_was_changed_in_the_forms_order():
    job = Class2D(particle_diameter=180.0, nr_classes=50, fn_img="p.star")
    assert [one.name for one in differences(job)] == ["fn_img", "nr_classes", "particle_diameter"]
    assert [str(one) for one in differences(job)] == [
        "Input images STAR file: p.star (default empty)",
        "Number of classes: 50 (default 1)",
        "Mask diameter: 180 Å (default 200 Å)",
    ]
    assert differences(Class2D()) == []
    assert [one.name for one in differences(job, job.changed(nr_classes=5))] == ["nr_classes"]


def test_command_lines_do_the_jobs_work():
    job = Refine3D(fn_img="p.star", fn_ref="map.mrc")
    text = shell_text(job, "Refine3D/job007/", directory="/data/my project")
    first, second, third = text.splitlines()
    assert (first, second) == ("cd '/data/my project'", "mkdir -p Refine3D/job007/")
    assert third == str(job.commands("Refine3D/job007/")[0])
