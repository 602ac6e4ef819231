"""Local searches: from the first look on, nothing is compared that lies far from the particles' poses."""

import pytest

from relionlab.jobs.refinement.run3d import Run3D
from tests.jobs.class2d_runs import refine
from tests.jobs.refine3d_runs import arguments

KINDS = {
    "Class3D": ("--K", "1", "--iter", "1", "--sigma_ang", "5"),
    "Refine3D": ("--auto_iter_max", "1", "--sigma_ang", "5"),
}


@pytest.mark.parametrize("kind", [*KINDS, "local from its order on"])
def test_the_grey_scale_is_found_by_local_searches_too(tiny, kind, monkeypatch):
    looked: list[object] = []
    expect = Run3D.expect

    def listening(run, model, poses, search, **more):
        looked.append(search.widths)
        return expect(run, model, poses, search, **more)

    monkeypatch.setattr(Run3D, "expect", listening)
    more = KINDS.get(kind) or ("--auto_iter_max", "1", "--healpix_order", "1", "--auto_local_healpix_order", "1")
    refine(tiny, arguments(kind if kind in KINDS else "Refine3D", *more, star="data/truth.star"))
    assert len(looked) > 1
    assert None not in looked


def test_a_refinement_that_its_limit_ends_says_so(tiny):
    told = refine(tiny, arguments("Refine3D", *KINDS["Refine3D"], star="data/truth.star"))
    assert any("--auto_iter_max ends it at 1" in line for line in told.said)
    assert any("has not converged after 1 iteration," in line for line in told.said)
    assert (tiny / "Refine3D/a/run_half1_class001_unfil.mrc").is_file()
