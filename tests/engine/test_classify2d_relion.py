"""Our E-step on RELION's own model and poses: the same conventions, the same likelihood."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.classify2d.expectation import Expectation
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.likelihood.particles import OpticsGroup, Particles
from relionlab.engine.steps import InlineExecutor, shards
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import write_stack
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.particles import write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.files import Saved, read_iteration, restored
from relionlab.jobs.refinement.input import poses_of
from tests.engine.classify2d_cases import PIXEL, Case, case

pytestmark = pytest.mark.relion
COUNT, BOX, LAST, SNR = 160, 32, 3, 0.6
STEP, RANGE, OFFSET_STEP = 12.0, 3, 2
AHEAD = 6  # shells beyond the resolution: fewer than there are, since RELION uses the corner of the plane too


@dataclass(frozen=True)
class Theirs:
    """A finished run of relion_refine on simulated particles."""

    directory: Path
    made: Case

    def iteration(self, number: int) -> tuple[Saved, Model, Particles]:
        saved = read_iteration(f"out/run_it{number:03d}_optimiser.star", self.directory)
        group = np.array(saved.table.particles["rlnGroupNumber"], int) - 1
        return saved, restored(saved, shells_ahead=AHEAD), poses_of(saved.table, group)

    def poses(self, model: Model, particles: Particles, search: Search, table: ParticleTable) -> np.ndarray:
        reader = ImageReader(table.particles["rlnImageName"], self.directory)
        step = Expectation(model, particles, self.made.groups, search=search, load=reader.read)
        return InlineExecutor().run(step, shards(len(particles), 64)).poses[0]


@pytest.fixture(scope="module")
def theirs(relion: Path, tmp_path_factory: pytest.TempPathFactory) -> Theirs:
    """Three iterations from low-passed true references; a few seconds."""
    directory = tmp_path_factory.mktemp("relion")
    made = case(count=COUNT, box=BOX, classes=2, groups=((PIXEL, BOX),), snr=SNR, offset_range=3.0, fraction=0.999)
    _write(made, directory)
    (directory / "out").mkdir()
    command = (
        f"relion_refine --i particles.star --o out/run --ref references.star --ctf_corrected_ref --ini_high 20 --K 2 --iter {LAST} --ctf"
        f" --tau2_fudge 2 --particle_diameter {made.search.diameter} --maskedge 4 --flatten_solvent --zero_mask"
        f" --oversampling 1 --psi_step {STEP} --offset_range {RANGE} --offset_step {OFFSET_STEP} --norm --scale"
        f" --dont_combine_weights_via_disc --preread_images --pad 2 --j 1 --random_seed 1 --dont_check_norm --incr_size {AHEAD}"
    )
    done = subprocess.run(command.split(), cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return Theirs(directory, made)


def test_classes_and_likelihoods_agree_at_relions_poses(theirs: Theirs):
    """Without alignment, on the model that RELION's last iteration started from."""
    _, model, _ = theirs.iteration(LAST - 1)
    saved, _, poses = theirs.iteration(LAST)
    found = theirs.poses(model, poses, replace(_search(theirs), align=False), saved.table)
    sure = poses.best_weight > 0.3
    assert sure.mean() > 0.5
    assert np.mean(found[sure, 0] == poses.class_index[sure]) > 0.98
    # theirs is over all poses, knows the prior's normalisation which is a constant
    difference = found[:, 4] - poses.log_likelihood
    assert abs(np.median(difference)) < 35
    assert difference.std() < 10
    assert np.corrcoef(found[:, 4], poses.log_likelihood)[0, 1] > 0.85


def test_poses_agree_with_relions(theirs: Theirs):
    """With the grid of RELION's last iteration, which its random perturbation and oversampling have moved."""
    _, model, before = theirs.iteration(LAST - 1)
    saved, _, after = theirs.iteration(LAST)
    instance = float(saved.sampling.value("rlnSamplingPerturbInstance"))
    finer = {"psi_step": STEP / 2, "offset_step": OFFSET_STEP / 2}
    # RELION's finer grid lies between the coarse one's points, at a quarter of a coarse step on either side
    search = replace(_search(theirs), **finer, perturbation=2 * instance + 0.5)
    found = theirs.poses(model, before, search, saved.table)
    sure = after.best_weight > 0.5
    same = found[:, 0] == after.class_index
    assert np.mean(same[sure]) > 0.98
    turned = np.abs((found[:, 1] - after.psi + 180) % 360 - 180)[sure & same]
    moved = np.hypot(*(found[:, 2:4] * model.pixel_size - after.origin).T)[sure & same]
    assert np.mean(turned < 0.1) > 0.6  # the very same angle
    assert np.mean(turned <= STEP / 2 + 0.1) > 0.9
    assert np.mean(moved <= 1.5 * model.pixel_size) > 0.9
    # and not with the opposite sign
    mirrored = np.abs((found[:, 1] + after.psi + 180) % 360 - 180)[sure & same]
    assert np.mean(mirrored <= STEP / 2 + 0.1) < 0.2


def test_psi_of_relion_is_the_angle_of_the_truth(theirs: Theirs):
    """RELION finds the angles and origins that our simulation put in, so signs are RELION's throughout."""
    truth = _truth()
    saved, _, after = theirs.iteration(LAST)
    # RELION sorts the particles by micrograph
    order = [int(name.partition("@")[0]) - 1 for name in saved.table.particles["rlnImageName"]]
    truth = truth.rows(np.array(order))
    same = after.class_index == truth.class_index
    assert same.mean() > 0.9
    assert np.median(np.abs((after.psi - truth.psi + 180) % 360 - 180)[same]) < STEP / 2
    assert np.median(np.hypot(*(after.origin - truth.origin).T)[same]) < PIXEL


def _search(theirs: Theirs) -> Search:
    return replace(theirs.made.search, offset_range=float(RANGE), perturbation=0.0)


def _truth() -> Particles:
    return case(
        count=COUNT, box=BOX, classes=2, groups=((PIXEL, BOX),), snr=SNR, align=False, offset_range=3.0, fraction=0.999
    ).particles


def _write(made: Case, directory: Path) -> None:
    particles, group = made.particles, made.groups[0]
    assert isinstance(group, OpticsGroup)
    write_stack(directory / "particles.mrcs", np.stack(made.images), pixel_size=PIXEL)
    write_stack(directory / "references.mrcs", made.model.references, pixel_size=PIXEL)
    # of a bare stack, RELION takes the first image for all classes
    names = [f"{n + 1:06d}@references.mrcs" for n in range(made.model.classes)]
    write_star(directory / "references.star", [Table({"rlnReferenceImage": names}, "")])
    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": [1],
            "rlnVoltage": [group.optics.voltage_kv],
            "rlnSphericalAberration": [group.optics.spherical_aberration_mm],
            "rlnAmplitudeContrast": [group.optics.amplitude_contrast],
            "rlnImagePixelSize": [PIXEL],
            "rlnImageSize": [BOX],
            "rlnImageDimensionality": [2],
        },
        "optics",
    )
    rows = Table(
        {
            "rlnImageName": [f"{n + 1:06d}@particles.mrcs" for n in range(len(particles))],
            "rlnMicrographName": [f"mic{g}.mrc" for g in particles.group],
            "rlnOpticsGroup": np.ones(len(particles), np.int64),
            "rlnDefocusU": particles.defocus_u,
            "rlnDefocusV": particles.defocus_v,
            "rlnDefocusAngle": particles.defocus_angle,
            "rlnCtfScalefactor": particles.ctf_scale,
        },
        "particles",
    )
    write_particles(directory / "particles.star", ParticleTable(optics, rows))
