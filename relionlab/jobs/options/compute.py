"""The Compute page, which classification and refinement share: discs, memory and GPUs."""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Declared, Parameter, When


def use_gpu(tab: str, help: str) -> Parameter:  # noqa: A002 - the form's word
    """Declare whether GPUs are used, on the page where a form has it."""
    return Parameter(label="Use GPU acceleration?", help=help, tab=tab, key="use_gpu", on_continue=True)


def gpu_ids(tab: str, help: str, when: tuple[When, ...] = (When("use_gpu"),)) -> Parameter:  # noqa: A002
    """Declare which GPUs are used, and under which condition."""
    return Parameter(
        label="Which GPUs to use", help=help, tab=tab, level="advanced", key="gpu_ids", flag="--gpu",
        when=when, on_continue=True,
    )  # fmt: skip


ParallelDisc = Annotated[
    bool,
    Parameter(
        label="Use parallel disc I/O?",
        help="RELION lets all its processes read at once, or one after another where a network disc cannot bear it. relionlab's"
        " workers read at once; the value is kept for RELION.",
        tab="Compute",
        level="advanced",
        key="do_parallel_discio",
        flag="--no_parallel_disc_io",
        unused=True,
        flag_if=False,
        on_continue=True,
    ),
]
PooledParticles = Annotated[
    int,
    Parameter(
        label="Number of pooled particles",
        help="RELION's batch size per thread. relionlab cuts its own batches; the value is kept for RELION.",
        tab="Compute",
        level="developer",
        key="nr_pool",
        flag="--pool",
        unused=True,
        bounds=(1, None),
        suggested=(1, 100, 1),
        on_continue=True,
    ),
]
PreRead = Annotated[
    bool,
    Parameter(
        label="Pre-read all particles into RAM?",
        help="Hold all images in memory: number x box² x 4 bytes. It pays on slow discs; on fast ones the system's own"
        " cache does the same.",
        tab="Compute",
        key="do_preread_images",
        flag="--preread_images",
        on_continue=True,
    ),
]
Scratch = Annotated[
    str,
    Parameter(
        label="Copy particles to scratch directory",
        help="Fast local directory to which RELION copies the particle stacks first. relionlab reads them where they are, or"
        " all into memory; the value is kept for RELION.",
        tab="Compute",
        level="advanced",
        key="scratch_dir",
        flag="--scratch_dir",
        unused=True,
        on_continue=True,
    ),
]
CombineThroughDisc = Annotated[
    bool,
    Parameter(
        label="Combine iterations through disc?",
        help="RELION's way around slow networks. relionlab never needs it; the value is kept for RELION.",
        tab="Compute",
        level="developer",
        key="do_combine_thru_disc",
        flag="--dont_combine_weights_via_disc",
        unused=True,
        flag_if=False,
        on_continue=True,
    ),
]
UseGpu = Annotated[
    bool,
    use_gpu(
        "Compute",
        "RELION's computing on GPUs. relionlab computes on the CPU in this release; the value is kept for RELION.",
    ),
]
GpuIds = Annotated[
    str | None,
    gpu_ids("Compute", "For RELION: numbers of the devices, as 0:1 for two processes with a GPU each; empty uses all."),
]


class ComputeOptions(Declared):
    """The Compute page."""

    do_parallel_discio: ParallelDisc = True
    nr_pool: PooledParticles = 3
    do_preread_images: PreRead = False
    scratch_dir: Scratch = ""
    do_combine_thru_disc: CombineThroughDisc = False
    use_gpu: UseGpu = False
    gpu_ids: GpuIds = ""
