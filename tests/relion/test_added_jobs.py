"""RELION's pipeliner takes our jobs from micrographs to particles, with the outputs (logfile.pdf too) that ours have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from relionlab.io.star import read_star
from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.job_star import write_job
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.star.joinstar import JoinStar
from relionlab.project.node_kinds import node_number

pytestmark = pytest.mark.relion

COORDINATES = "AutoPick/job006/coords_suffix_autopick.star"


@pytest.mark.parametrize(
    "job",
    [
        MotionCorr(input_star_mics="movies.star", patch_x=5, patch_y=5, do_save_ps=True),
        CtfFind(input_star_mics="mics.star", use_ctffind4=True),
        AutoPick(fn_input_autopick="mics.star", do_log=True),
        AutoPick(fn_input_autopick="mics.star", fn_refs_autopick="refs.star"),
        Extract(star_mics="mics.star", coords_suffix=COORDINATES, extract_size=96, do_rescale=True, rescale=48),
        Extract(star_mics="mics.star", do_reextract=True, fndata_reextract="run_data.star", do_recenter=True),
        ManualPick(fn_in="mics.star", diameter=180),
        JoinStar(do_part=True, fn_part1="a.star", fn_part2="b.star"),
        JoinStar(do_mic=True, fn_mic1="a.star", fn_mic2="b.star"),
        MaskCreate(fn_in="a.mrc", do_helix=True),
        PostProcess(fn_in="a_half1_x.mrc", fn_mask="m.mrc"),
        LocalRes(fn_in="a_half1_x.mrc", fn_mask="m.mrc"),
    ],
    ids=[
        "motioncorr",
        "ctffind",
        "blobs",
        "templates",
        "extract",
        "again",
        "manualpick",
        "particles",
        "micrographs",
        "mask",
        "postprocess",
        "localres",
    ],
)
def test_relion_adds_our_job(job: Job, relion: Path, project) -> None:
    write_job(project.directory / "our_job.star", job)
    command = [relion / "relion_pipeliner", "--addJobFromStar", "our_job.star"]
    done = subprocess.run(command, cwd=project.directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (added,) = project.jobs()
    assert added.job == job
    theirs, ours = added.outputs, job.outputs(f"{added.name}/")
    assert {n.path: node_number(n.kind) for n in theirs} == {n.path: node_number(n.kind) for n in ours}
    theirs = read_star(added.path / "job.star")["joboptions_values"]["rlnJobOptionVariable"].tolist()
    assert set(theirs) == set(job.job_options("3.1"))
