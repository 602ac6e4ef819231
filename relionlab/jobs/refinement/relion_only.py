"""Flags of relion_refine that mean nothing here, and those that are refused in words."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.options.declaring import ignored, refused
from relionlab.jobs.refinement.options3d import Blush, SkipGridding
from relionlab.params import Declared


class UnusedOptions(Declared):
    """Flags that are understood and have no effect: they steer how RELION computes, not what."""

    skip_gridding: SkipGridding = False
    dont_skip_gridding: Annotated[bool, ignored("--dont_skip_gridding", "Gridding")] = False
    coarse_size: Annotated[int, ignored("--coarse_size", "Image size of the first pass")] = -1
    r_min_nn: Annotated[int, ignored("--r_min_nn", "Shells that are interpolated")] = 10
    nr_parts_sigma2noise: Annotated[int, ignored("--nr_parts_sigma2noise", "Particles of the first noise spectra")] = -1
    keep_free_scratch: Annotated[float, ignored("--keep_free_scratch", "Free space on the scratch disc")] = 10.0
    reuse_scratch: Annotated[bool, ignored("--reuse_scratch", "Use what is on the scratch disc")] = False
    keep_scratch: Annotated[bool, ignored("--keep_scratch", "Leave the scratch disc full")] = False
    free_gpu_memory: Annotated[float, ignored("--free_gpu_memory", "Free memory of the GPU")] = 0.0
    failsafe_threshold: Annotated[int, ignored("--failsafe_threshold", "Failures on the GPU")] = 40
    cpu: Annotated[bool, ignored("--cpu", "RELION's accelerated code for processors")] = False
    sycl: Annotated[bool, ignored("--sycl", "RELION's accelerated code for SYCL")] = False
    normalised_subtomo: Annotated[bool, ignored("--normalised_subtomo", "Normalised subtomograms")] = False
    skip_subtomo_multi: Annotated[bool, ignored("--skip_subtomo_multi", "Multiplicity of subtomograms")] = False
    ctf3d_not_squared: Annotated[bool, ignored("--ctf3d_not_squared", "3D CTF of subtomograms")] = False
    subtomo_multi_thr: Annotated[float, ignored("--subtomo_multi_thr", "Threshold of subtomograms")] = 0.01
    helical_nstart: Annotated[int, ignored("--helical_nstart", "Starts of a helix")] = 1
    helical_offset_step: Annotated[float, ignored("--helical_offset_step", "Offset step along a helix")] = -1.0
    halt_all_followers_except: Annotated[int, ignored("--halt_all_followers_except", "Follower that goes on")] = -1


class RefusedOptions(Declared):
    """Flags that would give another result than asked for if they were passed over."""

    blush: Blush = False
    local_symmetry: Annotated[str, refused("--local_symmetry", "Local symmetry")] = ""
    lowpass_mask: Annotated[str, refused("--lowpass_mask", "Mask of a low-pass filter")] = ""
    lowpass: Annotated[float, refused("--lowpass", "Low-pass filter in that mask")] = 0.0
    tau: Annotated[str, refused("--tau", "Fixed spectrum of the signal")] = ""
    fourier_mask: Annotated[str, refused("--fourier_mask", "Mask of Fourier space")] = ""
    ios: Annotated[str, refused("--ios", "Optimisation set of tomograms")] = ""
    tomograms: Annotated[str, refused("--tomograms", "Tomograms")] = ""
    trajectories: Annotated[str, refused("--trajectories", "Trajectories in tomograms")] = ""
    multibody_masks: Annotated[str, refused("--multibody_masks", "Bodies of a multi-body refinement")] = ""
    pad_ctf: Annotated[bool, refused("--pad_ctf", "Padded CTF")] = False
    nearest_neighbour: Annotated[bool, refused("--NN", "Nearest neighbour")] = False
    always_cc: Annotated[bool, refused("--always_cc", "Correlation in all iterations")] = False
    skip_maximize: Annotated[bool, refused("--skip_maximize", "No maximisation")] = False
    external_reconstruct: Annotated[bool, refused("--external_reconstruct", "Reconstruction by another program")] = (
        False
    )
    som: Annotated[bool, refused("--som", "Self-organising map")] = False
    helical_exclude_resols: Annotated[str, refused("--helical_exclude_resols", "Excluded layer lines")] = ""
    force_converge: Annotated[bool, refused("--force_converge", "Join halves at once")] = False

    def refusals(self) -> list[str]:
        """Return, for each refused flag that was given, what to do instead."""
        return [
            f"{self.called(name)} is not done here: {advice}."
            for name, advice in _ADVICE.items()
            if getattr(self, name) != self.default(name)
        ]


_WITH_RELION = "leave it out, or run this job with RELION in the same project"
_TOMOGRAMS = "run subtomograms with RELION 5; particles of single images go in with --i"
_ADVICE = {
    "blush": "leave it out, or run this job with RELION 5 in the same project",
    "local_symmetry": "expand the particles by the symmetry (relionlab particle_symmetry_expand) and classify them with"
    " --skip_align in a --solvent_mask, or run this job with RELION",
    "lowpass_mask": "filter and mask the map before (relionlab image_handler --lowpass), or run this job with RELION",
    "lowpass": "filter and mask the map before (relionlab image_handler --lowpass), or run this job with RELION",
    "tau": _WITH_RELION,
    "fourier_mask": _WITH_RELION,
    "multibody_masks": "refine each body in a --solvent_mask of its own with local searches (--sigma_ang), or run MultiBody"
    " with RELION",
    "pad_ctf": "extract the particles in larger boxes, in which the CTF is sampled finely enough",
    "nearest_neighbour": "leave it out; interpolation is linear",
    "ios": _TOMOGRAMS,
    "tomograms": _TOMOGRAMS,
    "trajectories": _TOMOGRAMS,
    "always_cc": "use --firstiter_cc: it finds the references' grey scale, after which likelihood tells particles apart better"
    " than correlation does",
    "skip_maximize": "run one iteration (--iter 1), and use its data.star alone",
    "external_reconstruct": "leave it out, and name a Python function that regularises the half-maps"
    " (RELIONLAB_RECONSTRUCT_HOOK=package.module:function)",
    "som": "classify with --K, without it",
    "helical_exclude_resols": _WITH_RELION,
    "force_converge": "use --auto_iter_max with the number of the iteration that is to be the last",
}
