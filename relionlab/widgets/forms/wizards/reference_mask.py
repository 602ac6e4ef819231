"""The mask's diameter on the references of automatic picking."""

from __future__ import annotations

from typing import Any, ClassVar

from relionlab.widgets.forms.wizards.particle_mask import ParticleMask, Shown
from relionlab.workflows.samples import reference_sample


class ReferenceMask(ParticleMask):
    """The circle of ``particle_diameter`` on the references."""

    title = "Mask of the references"
    sentence = "Drag the circle: what lies outside of it is not compared with the micrographs."
    inputs: ClassVar[tuple[str, ...]] = ("fn_refs_autopick", "angpix_ref")

    def read(self, job: Any) -> Shown:
        """Read the references."""
        given = job.angpix_ref if job.angpix_ref and job.angpix_ref > 0 else None
        sample = reference_sample(self.directory, job.fn_refs_autopick, pixel_size=given, count=6)
        tiles = [(image, sample.pixel_size, True) for image in sample.images]
        words = f"{sample.of} references of {sample.box} px, {sample.pixel_size:.4g} Å/px: the box is {sample.box * sample.pixel_size:.0f} Å."
        return Shown(job, tiles, [f"reference {number + 1}" for number in range(len(tiles))], words)
