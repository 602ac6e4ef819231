"""RELION 3.1 itself reads what we write, and we read what it writes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import read_image, read_map, read_stack, write_image, write_map, write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from tests.io.test_particles import old_table
from tests.io.test_spider_imagic import write_imagic, write_spider

pytestmark = pytest.mark.usefixtures("relion")
PIXELS = np.random.default_rng(11).normal(1, 2, size=(6, 8, 10)).astype(np.float32)
TRICKY = [17.123456789012345, 1.2e-05, -9.87654321e-10, 123456789.123456, 1e22, 5e-324, 0.1, -0.0]


def run(*command: object, folder: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def statistics(folder: Path, name: str) -> dict[str, float]:
    out = run("relion_image_handler", "--i", name, "--stats", folder=folder).splitlines()[-1]
    size = re.search(r"= (\d+) x (\d+) x (\d+) x (\d+)", out)
    assert size is not None, out
    numbers = dict(re.findall(r"(\w+) ?= *([-+.\de]+)", out))
    return {
        **{key: float(value) for key, value in numbers.items()},
        "pixels": np.prod([int(part) for part in size.groups()]),
    }


def agree(found: dict[str, float], pixels: np.ndarray, pixel_size: float | None) -> None:
    assert found["pixels"] == pixels.size
    assert found["avg"] == pytest.approx(pixels.mean(), rel=1e-4, abs=1e-5)
    assert found["stddev"] == pytest.approx(pixels.std(), rel=1e-4)
    assert found["minval"] == pytest.approx(pixels.min(), rel=1e-4)
    assert found["maxval"] == pytest.approx(pixels.max(), rel=1e-4)
    if pixel_size is not None:
        assert found["angpix"] == pytest.approx(pixel_size, rel=1e-5)


def particles() -> Particles:
    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": 1, "rlnVoltage": 300, "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.1, "rlnImagePixelSize": 1.06, "rlnImageSize": 8, "rlnImageDimensionality": 2,
        },
        "optics",
    )  # fmt: skip
    rows = Table(
        {
            "rlnImageName": [f"{row + 1:06d}@a b.mrcs" for row in range(len(TRICKY))],
            "rlnMicrographName": [
                "plain.mrc",
                "don't.mrc",
                'it\'s "so".mrc',
                "5#.mrc",
                "data_1.mrc",
                "_x.mrc",
                "",
                "a b",  # RELION makes one blank of several, and of a tab
            ],
            "rlnDefocusU": TRICKY,
            "rlnCoordinateX": np.arange(len(TRICKY)) / 3,
            "rlnClassNumber": np.arange(len(TRICKY)),
            "rlnOpticsGroup": 1,
            "foreignLabel": ["01", "x y", "", "'", "1e5", "nan", "-", "None"],
        },
        "particles",
    )
    return Particles(optics, rows)


@pytest.mark.parametrize("pixel_size", [1.06, 0.001, 0.65751, 1234.56])
def test_images_stacks_and_maps(tmp_path: Path, pixel_size: float) -> None:
    write_image(tmp_path / "i.mrc", PIXELS[0], pixel_size=pixel_size)
    write_map(tmp_path / "m.mrc", PIXELS, pixel_size=pixel_size)
    write_stack(tmp_path / "s.mrcs", PIXELS, pixel_size=pixel_size)
    agree(statistics(tmp_path, "i.mrc"), PIXELS[0], pixel_size)
    agree(statistics(tmp_path, "m.mrc"), PIXELS, pixel_size)
    agree(statistics(tmp_path, "s.mrcs:mrcs"), PIXELS, pixel_size)
    agree(statistics(tmp_path, "3@s.mrcs"), PIXELS[2], pixel_size)


def test_relion_refuses_half_precision_as_we_say(tmp_path: Path) -> None:
    write_stack(tmp_path / "h.mrcs", PIXELS, pixel_size=1, half_precision=True)
    done = subprocess.run(
        ["relion_image_handler", "--i", "h.mrcs", "--stats"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "half-precision" in done.stdout + done.stderr


def test_images_that_relion_writes(tmp_path: Path) -> None:
    write_map(tmp_path / "m.mrc", PIXELS, pixel_size=2.5)
    write_image(tmp_path / "i.mrc", PIXELS[0], pixel_size=2.5)
    run("relion_image_handler", "--i", "m.mrc", "--o", "n.mrc", "--multiply_constant", 2, folder=tmp_path)
    found, pixel_size = read_map(tmp_path / "n.mrc")
    assert np.allclose(found, 2 * PIXELS)
    assert pixel_size == 2.5
    run("relion_image_handler", "--i", "i.mrc", "--o", "i.spi", folder=tmp_path)
    assert np.array_equal(read_image(tmp_path / "i.spi"), PIXELS[0])


@pytest.mark.parametrize("order", ["<", ">"])
def test_spider_and_imagic_mean_the_same_to_both(tmp_path: Path, order: str) -> None:
    write_spider(tmp_path / "s.stk", PIXELS, order, stack=True)
    write_spider(tmp_path / "m.vol", PIXELS, order, stack=False)
    for name in ("s.stk", "m.vol"):
        agree(statistics(tmp_path, name), read_stack(tmp_path / name), None)
    if order == "<":  # RELION does not swap the bytes of IMAGIC files
        write_imagic(tmp_path / "x", PIXELS, order)
        agree(statistics(tmp_path, "x.img"), read_stack(tmp_path / "x.img"), None)


def test_star_files_with_tricky_values(tmp_path: Path) -> None:
    ours = particles()
    write_particles(tmp_path / "ours.star", ours)
    run("relion_star_handler", "--i", "ours.star", "--o", "theirs.star", folder=tmp_path)
    theirs = read_particles(tmp_path / "theirs.star")
    for label in ("rlnImageName", "rlnMicrographName", "rlnClassNumber", "foreignLabel"):
        assert theirs.particles[label].tolist() == ours.particles[label].tolist(), label
    for label in ("rlnDefocusU", "rlnCoordinateX"):
        assert theirs.particles[label] == pytest.approx(ours.particles[label], rel=1e-6, abs=1e-6), label
    assert theirs.optics["rlnImagePixelSize"].tolist() == [1.06]


def test_relion_computes_with_all_our_digits(tmp_path: Path) -> None:
    write_particles(tmp_path / "ours.star", particles())
    run(
        "relion_star_handler", "--i", "ours.star", "--o", "t.star", "--operate", "rlnDefocusU", "--multiply_by", 1e5, folder=tmp_path
    )  # fmt: skip
    assert read_particles(tmp_path / "t.star").particles["rlnDefocusU"][:3] == pytest.approx(
        [1712345.6789012345, 1.2, -9.87654321e-5], rel=1e-6
    )


def test_relion_selects_by_our_values(tmp_path: Path) -> None:
    write_particles(tmp_path / "ours.star", particles())
    run("relion_star_handler", "--i", "ours.star", "--o", "t.star", "--select", "rlnDefocusU", "--minval", 1e-5, "--maxval", 20, folder=tmp_path)  # fmt: skip
    assert read_particles(tmp_path / "t.star").particles["rlnClassNumber"].tolist() == [0, 1, 6]


def test_upgrade_agrees_with_relion(tmp_path: Path) -> None:
    write_stack(tmp_path / "a.mrcs", np.zeros((3, 8, 8)), pixel_size=1.25)
    write_star(
        tmp_path / "old.star",
        [old_table(rlnOriginXPrior=[0.5, 1, 2], rlnBeamTiltX=[0, 0, 0.5], rlnBeamTiltY=0)],
        version=None,
    )
    run("relion_star_handler", "--i", "old.star", "--o", "theirs.star", folder=tmp_path)
    theirs, ours = read_particles(tmp_path / "theirs.star"), read_particles(tmp_path / "old.star", directory=tmp_path)
    assert set(theirs.particles.labels) == set(ours.particles.labels)
    for label in (*ours.optics.labels, *ours.particles.labels):
        if label not in ("rlnOpticsGroup", "rlnOpticsGroupName"):  # the numbers of the groups are arbitrary
            assert theirs.column(label).tolist() == ours.column(label).tolist(), label


def test_every_kind_of_table_passes_through(tmp_path: Path) -> None:
    write_star(tmp_path / "x.star", [particles().optics, particles().particles], comment=["relionlab class2d", "--o x"])
    run("relion_star_handler", "--i", "x.star", "--o", "y.star", folder=tmp_path)
    assert set(read_star(tmp_path / "y.star")) == {"optics", "particles"}


def test_pipeliner_reads_our_lists(tmp_path: Path) -> None:
    pipeline = [
        Table({"rlnPipeLineJobCounter": 7}, "pipeline_general", loop=False),
        Table(
            {
                "rlnPipeLineProcessName": ["Import/job006/"],
                "rlnPipeLineProcessAlias": ["None"],
                "rlnPipeLineProcessType": [0],
                "rlnPipeLineProcessStatus": [2],
            },
            "pipeline_processes",
        ),
        Table({"rlnPipeLineNodeName": ["Import/job006/movies.star"], "rlnPipeLineNodeType": [0]}, "pipeline_nodes"),
        Table({"rlnPipeLineEdgeFromNode": [], "rlnPipeLineEdgeProcess": []}, "pipeline_input_edges"),
        Table(
            {"rlnPipeLineEdgeProcess": ["Import/job006/"], "rlnPipeLineEdgeToNode": ["Import/job006/movies.star"]},
            "pipeline_output_edges",
        ),
    ]
    write_star(tmp_path / "default_pipeline.star", pipeline)
    job = [
        Table({"rlnJobType": 0, "rlnJobIsContinue": 0}, "job", loop=False),
        Table(
            {
                "rlnJobOptionVariable": ["do_raw", "do_other", "fn_in_raw", "optics_group_name"],
                "rlnJobOptionValue": ["Yes", "No", "My movies/*.mrc", "og"],
            },
            "joboptions_values",
        ),
    ]
    write_star(tmp_path / "import_job.star", job)
    run("relion_pipeliner", "--addJobFromStar", "import_job.star", folder=tmp_path)
    found = read_star(tmp_path / "default_pipeline.star")
    assert found["pipeline_output_edges"]["rlnPipeLineEdgeProcess"].tolist() == ["Import/job006/", "Import/job007/"]
    assert found["pipeline_general"].value("rlnPipeLineJobCounter") == 8
    assert found["pipeline_processes"]["rlnPipeLineProcessName"].tolist() == ["Import/job006/", "Import/job007/"]
    options = read_star(tmp_path / "Import/job007/job.star")["joboptions_values"]
    assert dict(zip(*(options[label] for label in options), strict=True))["fn_in_raw"] == "My movies/*.mrc"
