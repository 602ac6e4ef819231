"""The program ``preprocess``: cut particles out of micrographs, or make other programs' stacks fit for refinement."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from relionlab.errors import InputError, ParameterError
from relionlab.jobs.context import Context
from relionlab.jobs.extraction.flags import ExtractionFlags
from relionlab.jobs.particles.findings import told_of
from relionlab.jobs.particles.optics import has_ctf
from relionlab.jobs.particles.stack import Operations, Source, open_source, process

NEGATIVE_STAIN_ADVICE = (
    " Negative stain: classify these particles without CTF correction (Class2D: 'Do CTF-correction?' No, or leave out --ctf), "
    "with a regularisation T of 1 to 2 and 20 to 50 particles per class."
)
DUST = 6.0
"""Deviations beyond which the negative-stain preset takes a pixel for dust or a stain crystal."""


class Preprocess(ExtractionFlags):
    """Cut particles out of micrographs (--extract), or rescale, window, normalise and invert existing images."""

    name: ClassVar[str] = "preprocess"
    title: ClassVar[str] = "Particle preprocessing"

    def look(self, context: Context) -> None:
        """Look at the list, some of its micrographs, and the coordinates or particles that are to be cut out."""
        if self.extract:
            from relionlab.jobs.extraction.run import look_at_inputs

            look_at_inputs(context, self)

    def run(self, context: Context) -> None:
        """Extract, or process the stack; says what is wrong before anything is written."""
        self.check()
        if self.extract:
            from relionlab.jobs.extraction.run import extract

            extract(context, self, self._operations(context, int(self.extract_size or 0)))
            context.say(" Done preprocessing!")
            return
        self._check_output(context)
        source = open_source(context, self.operate_on, self.angpix)
        operations = self._operations(context, min(source.shape), phase_flip=self._flips(context, source))
        told = told_of(source.particles, phase_flipped=self.phase_flipped) if source.particles else "plain"
        process(context, source, operations, output=self.operate_out, told=told, half_precision=self.float16)
        if self.negative_stain:
            context.say(NEGATIVE_STAIN_ADVICE)
        context.say(" Done preprocessing!")

    def _check_output(self, context: Context) -> None:
        if Path(self.operate_out).suffix != ".mrcs":
            raise ParameterError(f"--operate_out is {self.operate_out}: expected a name that ends in .mrcs.")
        written = {
            context.path(self.operate_out).resolve(),
            context.path(self.operate_out).with_suffix(".star").resolve(),
        }
        if context.path(self.operate_on).resolve() in written:
            raise InputError(
                f"{self.operate_on} would be overwritten by the output: give another name with --operate_out."
            )

    def _operations(self, context: Context, size: int, *, phase_flip: bool = False) -> Operations:
        """Return what is done to images of this size in px."""
        scale, window = self._even(context, "scale"), self._even(context, "window")
        final = window or scale or size
        radius = None
        if self.norm or self.negative_stain:
            radius = self._background_radius(context, final)
        dust = DUST if self.negative_stain else None
        return Operations(
            phase_flip=phase_flip,
            scale=scale,
            window=window,
            background_radius=radius,
            ramp=not self.no_ramp,
            white=self.white_dust or dust,
            black=self.black_dust or dust,
            invert=self.invert_contrast,
            seed=self.random_seed,
        )

    def _even(self, context: Context, name: str) -> int | None:
        size: int | None = getattr(self, name)
        if size is not None and size % 2:
            context.warn(f"--{name} is {size} px, an odd number; {size + 1} px is taken, as RELION does.")
            return size + 1
        return size

    def _background_radius(self, context: Context, final: int) -> float:
        if self.bg_radius is None:
            context.say(
                f" Background: beyond a radius of {round(0.375 * final)} px (37.5 % of the box); --bg_radius sets it"
            )
            return float(round(0.375 * final))
        if self.bg_radius >= final / 2:
            raise ParameterError(
                f"--bg_radius is {self.bg_radius:g} px, but the final box has only {final} px: "
                f"give less than {final // 2} px, so that there is background."
            )
        return self.bg_radius

    def _flips(self, context: Context, source: Source) -> bool:
        if not self.negative_stain or self.phase_flipped:
            return False
        known = source.particles is not None and has_ctf(source.particles)
        if known:
            context.say(" Negative stain: the phases are flipped by the CTF in the STAR file")
        else:
            context.say(
                " Negative stain: no CTF is known, so phases stay as they are (flipping them beforehand is recommended)"
            )
        return known
