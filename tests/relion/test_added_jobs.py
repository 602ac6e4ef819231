"""RELION's pipeliner takes our jobs from micrographs to particles, with the outputs (logfile.pdf too) that ours have."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import pytest

from relionlab.io.star import read_star
from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_star import write_job
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.registry import program
from relionlab.jobs.star.joinstar import JoinStar
from relionlab.project.node_kinds import node_number

pytestmark = pytest.mark.relion

COORDINATES = "AutoPick/job006/coords_suffix_autopick.star"

OPTIMISER = 9
"""Number of the files by which RELION 4 and 5 find a refinement; RELION 3.1 does not list them."""


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
        InitialModel(fn_img="p.star", sym_name="D2"),
        Class3D(fn_img="p.star", fn_ref="map.mrc", nr_classes=3, nr_iter=7),
        Refine3D(fn_img="p.star", fn_ref="map.mrc", fn_mask="mask.mrc"),
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
        "initial model",
        "3D classes",
        "auto-refine",
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
    ours = [n for n in ours if node_number(n.kind) != OPTIMISER]
    assert {n.path: node_number(n.kind) for n in theirs} == {n.path: node_number(n.kind) for n in ours}
    theirs = read_star(added.path / "job.star")["joboptions_values"]["rlnJobOptionVariable"].tolist()
    assert set(theirs) == set(job.job_options("3.1"))


GIVEN = [
    Import(fn_in_raw="Movies/*.tiff", angpix=0.885, kv=200, cs=1.4, optics_group_name="one", beamtilt_x=0.1),
    MotionCorr(
        input_star_mics="movies.star", do_dose_weighting=True, dose_per_frame=1.3, patch_x=5, patch_y=4, group_frames=2,
        bin_factor=2, fn_gain_ref="gain.mrc", gain_rot="90 degrees (1)", gain_flip="Flip left to right (2)", fn_defect="d.txt",
        do_save_noDW=True, do_save_ps=False,
    ),
    AutoPick(fn_input_autopick="mics.star", do_log=True, log_diam_min=140, log_diam_max=210, log_adjust_thr=0.4),
    AutoPick(fn_input_autopick="mics.star", fn_refs_autopick="refs.star", angpix_ref=3.5, threshold_autopick=0.2, shrink=0.5),
    Extract(star_mics="mics.star", coords_suffix=COORDINATES, extract_size=96, do_rescale=True, rescale=48, white_dust=5),
    Extract(star_mics="mics.star", do_reextract=True, fndata_reextract="run_data.star", do_recenter=True, recenter_x=3),
    ManualPick(fn_in="mics.star"),
    ManualPick(
        fn_in="mics.star", diameter=180, micscale=0.3, sigma_contrast=4, white_val=2, black_val=1, lowpass=30, highpass=200,
        angpix=2, ctfscale=0.5, do_color=True, color_label="rlnX", fn_color="c.star", blue_value=1, red_value=3,
        do_startend=True,
    ),
    Class2D(fn_img="p.star", nr_classes=7, highres_limit=9),
    InitialModel(fn_img="p.star", nr_classes=2, sym_name="C3", sgd_fin_iter=10, offset_step=1.5, do_solvent=False),
    Class3D(fn_img="p.star", fn_ref="map.mrc", nr_classes=3, ini_high=40, fn_mask="m.mrc", ctf_corrected_ref=True),
    Class3D(
        fn_img="p.star", fn_ref="map.mrc", ref_correct_greyscale=True, do_local_ang_searches=True, sigma_angles=6,
        relax_sym="C2", sampling="1.8 degrees", do_pad1=True, skip_gridding=False, do_zero_mask=False, tau_fudge=3,
        highres_limit=8, nr_iter=30, do_fast_subsets=True, allow_coarser=True,
    ),
    Class3D(fn_img="p.star", fn_ref="map.mrc", dont_skip_align=False, nr_classes=3, ini_high=None, do_preread_images=True),
    Refine3D(fn_img="p.star", fn_ref="map.mrc", sym_name="D2", particle_diameter=180),
    Refine3D(
        fn_img="p.star", fn_ref="map.mrc", sym_name="C1", relax_sym="D2", fn_mask="m.mrc", do_solvent_fsc=True,
        auto_faster=True, sampling="3.7 degrees", auto_local_sampling="0.9 degrees", offset_range=3, offset_step=0.5,
        ctf_intact_first_peak=True, scratch_dir="/tmp", do_combine_thru_disc=True, do_parallel_discio=False,
    ),
]  # fmt: skip


WAYS = {"only_do_unfinished", "j"}
"""How it is worked on: we keep what is done already in every run."""


@pytest.mark.parametrize("job", GIVEN, ids=[f"{type(job).__name__}{number}" for number, job in enumerate(GIVEN)])
def test_relion_makes_the_same_command_of_our_job(job: Job, relion: Path, project) -> None:
    """RELION's command line, read by our program, means what ours does; it is noted before RELION finds no files."""
    write_job(project.directory / "our_job.star", job)
    pipeliner = str(relion / "relion_pipeliner")
    subprocess.run(
        [pipeliner, "--addJobFromStar", "our_job.star"], cwd=project.directory, capture_output=True, check=True
    )
    (added,) = project.jobs()
    for node in added.inputs:  # RELION waits for them
        (project.directory / node.path).parent.mkdir(parents=True, exist_ok=True)
        (project.directory / node.path).touch()
    command = [pipeliner, "--RunJobs", f"{added.name}/", "--schedule", "once", "--sec_wait_after", "1"]
    running = subprocess.Popen(command, cwd=project.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while " ++++ \n" not in added.notes():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        running.kill()
        running.wait()
    line = next(line for line in added.notes().splitlines() if "relion_" in line)
    words = shlex.split(line.replace("`which ", "").replace("`", ""))
    theirs = words[words.index(next(word for word in words if word.startswith("relion_"))) :]
    (ours,) = (made for made in job.commands(f"{added.name}/") if made.program == theirs[0].removeprefix("relion_"))
    known = program(ours.program)
    given = theirs[1 : theirs.index("--pipeline_control")]
    mine, other = (known.from_flags(flags).model_dump(exclude=WAYS) for flags in (ours.arguments, given))
    assert {name: (value, other[name]) for name, value in mine.items() if value != other[name]} == {}
