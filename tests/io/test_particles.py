"""Particles of every dialect; old tables become optics groups and shifts in Å."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import StarError
from relionlab.io.images import write_stack
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table


def old_table(**more: object) -> Table:
    """Return particles as RELION 1.x to 3.0 kept them: two voltages, 1.25 Å per px."""
    return Table(
        {
            "rlnImageName": ["000001@a.mrcs", "000002@a.mrcs", "000003@a.mrcs"],
            "rlnMicrographName": ["m1.mrc", "m1.mrc", "m2.mrc"],
            "rlnDefocusU": [10000, 11000, 12000],
            "rlnVoltage": [300, 200, 300],
            "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.1,
            "rlnMagnification": 40000,
            "rlnDetectorPixelSize": 5.0,
            "rlnOriginX": [1, 2, -3],
            "rlnOriginY": [0, 0.5, 1],
            **more,
        }
    )


def new_particles() -> Particles:
    optics = Table(
        {
            "rlnOpticsGroupName": ["a", "b"],
            "rlnOpticsGroup": [7, 2],
            "rlnVoltage": [300, 200],
            "rlnImagePixelSize": [1.5, 2.5],
        },
        "optics",
    )
    rows = Table({"rlnImageName": ["1@a.mrcs", "2@a.mrcs", "3@a.mrcs"], "rlnOpticsGroup": [2, 7, 2]}, "particles")
    return Particles(optics, rows)


def test_old_particles_get_optics_groups(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_star(tmp_path / "old.star", [old_table()], version=None)
    write_stack(tmp_path / "a.mrcs", np.zeros((3, 8, 8)), pixel_size=1)
    with caplog.at_level(logging.WARNING):
        particles = read_particles(tmp_path / "old.star", directory=tmp_path)
    assert "RELION 3.0 or older" in caplog.text
    assert particles.optics["rlnVoltage"].tolist() == [300, 200]
    assert particles.optics["rlnOpticsGroup"].tolist() == [1, 2]
    assert particles.optics["rlnImageSize"].tolist() == [8, 8]
    assert particles.optics["rlnImageDimensionality"].tolist() == [2, 2]
    assert particles.particles["rlnOpticsGroup"].tolist() == [1, 2, 1]
    assert particles.particles["rlnOriginXAngst"].tolist() == [1.25, 2.5, -3.75]
    assert particles.pixel_size == 1.25
    for gone in ("rlnVoltage", "rlnMagnification", "rlnDetectorPixelSize", "rlnOriginX"):
        assert gone not in particles.particles
    assert particles.column("rlnVoltage").tolist() == [300, 200, 300]


def test_without_images_the_box_size_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_star(tmp_path / "old.star", [old_table()])
    with caplog.at_level(logging.WARNING):
        particles = read_particles(tmp_path / "old.star", directory=tmp_path)
    assert "rlnImageSize" not in particles.optics
    assert "box size is not known" in caplog.text


def test_without_pixel_size_the_shifts_stay(tmp_path: Path) -> None:
    write_star(tmp_path / "old.star", [old_table().without("rlnMagnification")])
    particles = read_particles(tmp_path / "old.star", directory=tmp_path)
    assert particles.particles["rlnOriginX"].tolist() == [1, 2, -3]
    with pytest.raises(StarError, match="no pixel size is given"):
        _ = particles.pixel_size


def test_old_micrographs_and_movies(tmp_path: Path) -> None:
    rows = old_table().without("rlnImageName", "rlnOriginX", "rlnOriginY")
    write_star(tmp_path / "m.star", [rows])
    micrographs = read_particles(tmp_path / "m.star", kind="micrographs")
    assert micrographs.pixel_size == 1.25
    movies = rows.with_columns(rlnMicrographMovieName=["x.mrcs"] * 3)
    write_star(tmp_path / "v.star", [movies])
    assert read_particles(tmp_path / "v.star", kind="movies").optics["rlnMicrographOriginalPixelSize"].tolist() == [
        1.25,
        1.25,
    ]


def test_groups_are_looked_up_by_number() -> None:
    particles = new_particles()
    assert particles.column("rlnVoltage").tolist() == [200, 300, 200]
    assert particles.group_rows.tolist() == [1, 0, 1]
    assert particles.rows([0, 2]).pixel_size == 2.5
    assert "rlnVoltage" in particles
    with pytest.raises(StarError, match=r"different pixel sizes \(1.5, 2.5 Å\)"):
        _ = particles.pixel_size
    with pytest.raises(StarError, match="belong to optics group 3"):
        particles.with_columns(rlnOpticsGroup=[3, 7, 2])


def test_what_is_written_reads_back_with_other_tables(tmp_path: Path) -> None:
    general = Table({"rlnTomoSubTomosAre2DStacks": 1}, "general", loop=False)
    made = Particles(new_particles().optics, new_particles().particles.renamed(""), others=(general,))
    write_particles(tmp_path / "p.star", made)
    assert list(read_star(tmp_path / "p.star")) == ["general", "optics", "particles"]
    found = read_particles(tmp_path / "p.star")
    assert found.others == (general,)
    assert found.particles == new_particles().particles


def test_files_without_particles_are_refused(tmp_path: Path) -> None:
    write_star(tmp_path / "x.star", [Table({"rlnVoltage": 300}, "general", loop=False)])
    with pytest.raises(StarError, match="has the tables 'general', none of them with rlnImageName; expected particles"):
        read_particles(tmp_path / "x.star")


def test_shared_particles_read(shared_data: Path) -> None:
    particles = read_particles(
        shared_data / "betagal/particles.star", directory=shared_data / "empiar10204_betagal_relion5"
    )
    assert (len(particles), particles.pixel_size) == (2374, 3.54)
    old = read_particles(
        shared_data / "cryodrgn_real_subset/empiar_10076_7.star", directory=shared_data / "cryodrgn_real_subset"
    )
    assert old.optics["rlnImageSize"].tolist() == [320]
    six = read_particles(shared_data / "cryodrgn_real_subset/relion31.6opticsgroups.star")
    assert sorted(np.unique(six.column("rlnImagePixelSize"))) == [1.24, 1.25]
