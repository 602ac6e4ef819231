"""Where searches are local, none is global: not even that for the reference's grey scale, which comes first."""

from __future__ import annotations

import pytest

from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.jobs.refinement.run3d import Run3D
from tests.jobs.class2d_runs import STAR, refine
from tests.jobs.refine3d_runs import arguments

LOCAL = {
    "Class3D": ("--K", "1", "--iter", "1", "--sigma_ang", "5"),
    "Refine3D": ("--auto_iter_max", "1", "--auto_local_healpix_order", "1"),
}


@pytest.mark.parametrize("kind", LOCAL)
def test_no_search_is_global(tiny, monkeypatch, kind):
    table, truth = read_particles(STAR), read_star("data/truth.star")["particles"]
    poses = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst")
    write_particles(STAR, table.with_columns({label: truth[label] for label in poses}))
    widths, expect = [], Run3D.expect

    def noted(run, model, particles, search, **more):
        widths.append(search.widths)
        return expect(run, model, particles, search, **more)

    monkeypatch.setattr(Run3D, "expect", noted)
    told = refine(tiny, arguments(kind, "--healpix_order", "1", *LOCAL[kind]))
    assert any("grey scale" in line for line in told.said)
    assert len(widths) > 1
    assert None not in widths
    assert len(set(widths)) == 1
