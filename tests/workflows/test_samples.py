"""What is looked at before a job runs: some particles, class averages, a micrograph, picks, columns."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import InputError
from relionlab.io.coordinate_files import write_coords_suffix
from relionlab.io.coordinates import write_coordinates
from relionlab.io.images import write_image, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.workflows.samples import (
    class_sample,
    coordinates_sample,
    low_passed,
    number_columns,
    particle_sample,
    read_micrograph,
    reference_sample,
)

BOX, PIXEL_SIZE = 24, 4.0


def _disc(x: float = 0.0, y: float = 0.0) -> np.ndarray:
    line = np.arange(BOX) - BOX // 2
    return (np.hypot(line[None] - x, line[:, None] - y) < 4).astype(np.float32)


@pytest.fixture
def particles(tmp_path):
    """300 particles that lie 3 px to the right and 2 px up of the middle, as their origins say."""
    write_stack(tmp_path / "stack.mrcs", np.stack([_disc(3, -2)] * 300), pixel_size=PIXEL_SIZE)
    optics = Table(
        {"rlnOpticsGroup": [1], "rlnImagePixelSize": [PIXEL_SIZE], "rlnOpticsGroupName": ["a"]}, name="optics"
    )
    columns = {
        "rlnImageName": [f"{n + 1:06d}@stack.mrcs" for n in range(300)],
        "rlnOpticsGroup": [1] * 300,
        "rlnDefocusU": np.linspace(8000, 15000, 300),
        "rlnOriginXAngst": [-3 * PIXEL_SIZE] * 300,
        "rlnOriginYAngst": [2 * PIXEL_SIZE] * 300,
    }
    write_star(tmp_path / "particles.star", [optics, Table(columns, name="particles")])
    return tmp_path


def test_particles_are_spread_and_centred(particles):
    sample = particle_sample(particles, "particles.star", count=10)
    assert (len(sample.images), sample.of, sample.pixel_size, sample.box) == (10, 300, PIXEL_SIZE, BOX)
    assert sample.names[-1] == "000271@stack.mrcs"
    assert np.array_equal(sample.images.mean(axis=0), _disc())


def test_class_averages_of_the_same_folder_are_found_largest_first(particles):
    write_stack(particles / "averages.mrcs", np.stack([_disc(n) for n in range(3)]), pixel_size=PIXEL_SIZE)
    names = [f"{n + 1:06d}@averages.mrcs" for n in range(3)]
    table = Table({"rlnReferenceImage": names, "rlnClassDistribution": [0.2, 0.5, 0.3]}, name="model_classes")
    assert class_sample(particles, "particles.star") is None
    write_star(particles / "class_averages.star", [table])
    assert class_sample(particles, "particles.star", count=2).names == (names[1], names[2])
    write_star(particles / "run_it005_model.star", [table])
    (particles / "class_averages.star").unlink()
    assert class_sample(particles, "run_it005_data.star").names == (names[1], names[2], names[0])
    assert reference_sample(particles, "averages.mrcs", count=2).of == 3
    assert reference_sample(particles, "run_it005_model.star", count=5).pixel_size == PIXEL_SIZE


def test_micrographs_and_their_picks(tmp_path):
    for number in (1, 2):
        write_image(tmp_path / f"mic{number}.mrc", np.full((60, 80), number, np.float32), pixel_size=1.5)
    optics = Table({"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.2], "rlnOpticsGroupName": ["a"]}, name="optics")
    rows = Table({"rlnMicrographName": ["mic1.mrc", "mic2.mrc"], "rlnOpticsGroup": [1, 1]}, name="micrographs")
    write_star(tmp_path / "mics.star", [optics, rows])
    second = read_micrograph(tmp_path, "mics.star", index=1)
    assert (second.name, second.pixel_size, second.index, second.of) == ("mic2.mrc", 1.2, 1, 2)
    assert second.image[0, 0] == 2
    assert read_micrograph(tmp_path, "mics.star", index=2).name == "mic1.mrc"
    assert read_micrograph(tmp_path, "mics.star", index=-1, pixel_size=3.0).pixel_size == 3.0
    write_coords_suffix(tmp_path / "coords_suffix_pick.star", "mics.star")
    write_coordinates(tmp_path / "mic1_pick.star", Table({"rlnCoordinateX": [5.0, 7.0], "rlnCoordinateY": [6.0, 8.0]}))
    assert coordinates_sample(tmp_path, "coords_suffix_pick.star", "mic1.mrc").tolist() == [[5, 6], [7, 8]]
    assert coordinates_sample(tmp_path, "coords_suffix_pick.star", "mic2.mrc").shape == (0, 2)


def test_columns_of_numbers_that_differ(particles):
    assert list(number_columns(particles / "particles.star")) == ["rlnDefocusU"]


def test_low_pass_takes_the_fine_and_leaves_the_coarse():
    line = np.arange(64)
    fine, rough = np.cos(2 * np.pi * 20 * line / 64), np.cos(2 * np.pi * 3 * line / 64)
    image = np.broadcast_to(fine + rough, (1, 64, 64)).astype(np.float32)
    seen = low_passed(image, 8.0, 1.0)[0]
    assert np.allclose(seen, np.broadcast_to(rough, (64, 64)), atol=1e-4)
    assert low_passed(image, 0.0, 1.0) is image


@pytest.mark.parametrize("look", [particle_sample, reference_sample, read_micrograph])
def test_nothing_chosen_is_said(tmp_path, look):
    with pytest.raises(InputError, match="chosen yet"):
        look(tmp_path, "")
