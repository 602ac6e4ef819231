"""What ``preprocess`` does to a stack or a list of particles: flip, rescale, window, normalise, invert."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from relionlab.engine.fourier import irfft2_centred, resize, rfft2_centred
from relionlab.engine.image_checks import Finding, check_images, check_shape, check_spectrum, check_values, sample
from relionlab.engine.normalise import Dust, normalise
from relionlab.errors import ImageError
from relionlab.io.image_names import format_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import StackWriter, open_image
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.jobs.context import Context
from relionlab.jobs.particles.ctfs import ctf_of_rows
from relionlab.jobs.particles.findings import Told, said_of
from relionlab.jobs.particles.optics import has_ctf


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What is done to each image, in this order; ``None`` and ``False``: not done.

    phase_flip         multiply the transform with the sign of the CTF
    scale              new size in px by Fourier cropping
    window             new size in px by cutting, or padding with zeros, about the origin
    background_radius  normalise; what lies beyond is background, in px of the final image
    ramp               subtract a plane, not only the mean
    white, black       dust: deviations above, below the background
    invert             change the sign
    """

    phase_flip: bool = False
    scale: int | None = None
    window: int | None = None
    background_radius: float | None = None
    ramp: bool = True
    white: float | None = None
    black: float | None = None
    invert: bool = False
    seed: int = 0

    def apply(self, images: np.ndarray, *, ctf: np.ndarray | None = None, first: int = 0) -> np.ndarray:
        """Return the images (N, y, x) with everything done to them; ``first`` numbers the batch for the dust's noise."""
        if self.phase_flip and ctf is not None:
            images = irfft2_centred(rfft2_centred(images) * np.sign(ctf), images.shape[-1])
        if self.scale is not None:
            images = resize(images, self.scale)
        if self.window is not None:
            images = windowed(images, self.window)
        if self.background_radius is not None:
            rng = np.random.default_rng([self.seed, first])
            dusty = self.white is not None or self.black is not None
            dust = Dust(rng, white=self.white, black=self.black) if dusty else None
            images = normalise(images, background_radius=self.background_radius, ramp=self.ramp, dust=dust)
        return -images if self.invert else images


def windowed(images: np.ndarray, size: int) -> np.ndarray:
    """Cut images (N, y, x), or pad them with zeros, to (N, size, size) about the origin."""
    out = np.zeros((len(images), size, size), images.dtype)
    places = []
    for length in images.shape[1:]:
        shift = size // 2 - length // 2
        low, high = max(shift, 0), min(shift + length, size)
        places.append((slice(low, high), slice(low - shift, high - shift)))
    (rows, from_rows), (columns, from_columns) = places
    out[:, rows, columns] = images[:, from_rows, from_columns]
    return out


@dataclass
class Source:
    """The images to work on: a stack, or a STAR file of particles.

    names      image names
    particles  the STAR file's tables; ``None`` for a stack
    """

    names: list[str]
    reader: ImageReader
    particles: Particles | None = None
    pixel_size: float | None = None
    usable: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the images in px."""
        return self.reader.shape

    def ctf(self, rows: np.ndarray, *, size: int, zoom: float = 1.0) -> np.ndarray | None:
        """Return the CTF of these images in a box of ``size`` px whose pixels are ``zoom`` times the own ones."""
        if self.particles is None or not has_ctf(self.particles):
            return None
        return ctf_of_rows(self.particles, rows, size, zoom=zoom)


def open_source(context: Context, name: str, pixel_size: float | None) -> Source:
    """Open a stack (MRC, SPIDER, IMAGIC) or a STAR file of particles; ``pixel_size`` in Å overrides what they say."""
    path = context.path(name)
    if Path(name).suffix.lower() == ".star":
        particles = read_particles(path, directory=context.directory)
        names = list(particles.particles["rlnImageName"])
        if pixel_size is not None:
            sizes = np.full(len(particles.optics), pixel_size)
            particles = replace(particles, optics=particles.optics.with_columns(rlnImagePixelSize=sizes))
        return Source(names, ImageReader(names, context.directory), particles, float(particles.pixel_sizes[0]))
    image = open_image(path)
    names = [format_image_name(index, name) for index in range(image.frames)]
    return Source(names, ImageReader(names, context.directory), None, pixel_size or image.header.pixel_size)


def process(
    context: Context,
    source: Source,
    operations: Operations,
    *,
    output: str,
    told: Told = "plain",
    half_precision: bool = False,
) -> None:
    """Write the processed stack (and its STAR file, if particles came from one), and say what is wrong with the images."""
    size = _final_size(source, operations)
    zoom = source.shape[1] / operations.scale if operations.scale else 1.0
    pixel_size = (source.pixel_size or 1.0) * zoom
    if source.pixel_size is None:
        context.warn("The images do not say their pixel size: 1 Å is written. State it with --angpix.")
    said_of(context, findings(source, operations, size=size, zoom=zoom, told=told))
    source.usable = _usable(context, source)
    _write_stack(context, source, operations, output, size=size, pixel_size=pixel_size, half_precision=half_precision)
    if source.particles is not None:
        star = str(Path(output).with_suffix(".star"))
        write_particles(context.path(star), _renamed(source, output, size=size, pixel_size=pixel_size, zoom=zoom))
        context.say(f" Written the particles to {star}")


def findings(source: Source, operations: Operations, *, size: int, zoom: float, told: Told) -> list[Finding]:
    """Return what was wrong with the recorded pixels, and what is still wrong after the operations."""
    rows = sample(len(source.names), 400)
    images = source.reader.read(rows)
    good = np.isfinite(images.sum(axis=(1, 2), dtype=np.float64)) & (np.ptp(images, axis=(1, 2)) > 0)
    rows, images = rows[good], images[good]
    if not len(rows):
        return []
    before = check_spectrum(images) if images.shape[1] == images.shape[2] else []
    done = operations.apply(images, ctf=source.ctf(rows, size=images.shape[-1]) if operations.phase_flip else None)
    state = "phase-flipped" if operations.phase_flip else told
    ctf = source.ctf(rows, size=size, zoom=zoom) if done.shape[1] == done.shape[2] else None
    radius = operations.background_radius
    after = check_images(done, background_radius=radius, ctf=ctf, told=state, indices=rows)
    kinds = {finding.kind for finding in before}
    return before + [found for found in after if found.kind not in kinds | {"filtered", "interpolated"}]


# --- steps ------------------------------------------------------------------------------------------------------


def _final_size(source: Source, operations: Operations) -> int:
    y, x = source.shape
    if x != y and (operations.scale is not None or operations.phase_flip):
        raise ImageError(f"{check_shape((y, x))[0].message} Rescale them after that.")
    return operations.window or operations.scale or x


def _batches(source: Source) -> list[np.ndarray]:
    y, x = source.shape
    size = int(np.clip(2**23 // (y * x), 1, 512))
    return [np.arange(start, min(start + size, len(source.names))) for start in range(0, len(source.names), size)]


def _usable(context: Context, source: Source) -> np.ndarray:
    """Return the indices of images that can be used; the others are named and left out."""
    bad: list[np.ndarray] = []
    for rows in _batches(source):
        context.stop_if_asked()
        for finding in check_values(source.reader.read(rows), indices=rows):
            bad.append(finding.particles)
            named = ", ".join(source.names[row] for row in finding.particles[:10])
            more = " …" if len(finding.particles) > 10 else ""
            why = "hold NaN or infinite pixels" if finding.kind == "not finite" else "are empty (all pixels the same)"
            context.warn(f"{len(finding.particles)} image(s) {why} and are left out: {named}{more}")
    usable = np.setdiff1d(np.arange(len(source.names)), np.concatenate(bad) if bad else [])
    if not len(usable):
        raise ImageError(f"None of the {len(source.names)} images can be used: all are empty, NaN or infinite.")
    return usable.astype(np.int64)


def _write_stack(
    context: Context,
    source: Source,
    operations: Operations,
    output: str,
    *,
    size: int,
    pixel_size: float,
    half_precision: bool,
) -> None:
    square = operations.window is not None or operations.scale is not None
    box = (size, size) if square else source.shape
    step = len(_batches(source)[0])
    context.path(output).parent.mkdir(parents=True, exist_ok=True)
    with StackWriter(context.path(output), len(source.usable), box, pixel_size, half_precision=half_precision) as stack:
        for start in range(0, len(source.usable), step):
            context.stop_if_asked()
            rows = source.usable[start : start + step]
            ctf = source.ctf(rows, size=source.shape[1]) if operations.phase_flip else None
            stack.append(operations.apply(source.reader.read(rows), ctf=ctf, first=start))
            context.progress(start + len(rows), len(source.usable), "images")
    context.say(f" Written {len(source.usable)} images of {box[1]} × {box[0]} px, {pixel_size:g} Å, to {output}")


def _renamed(source: Source, output: str, *, size: int, pixel_size: float, zoom: float) -> Particles:
    """Return the particles with the new images' names, size and pixel size; the old names are kept beside them."""
    if source.particles is None:
        raise ImageError("A stack has no particle list to rename.")
    rows = source.particles.rows(source.usable)
    names = [format_image_name(index, output) for index in range(len(source.usable))]
    table = rows.particles
    if "rlnImageOriginalName" not in table:
        table = table.with_columns(rlnImageOriginalName=table["rlnImageName"])
    sizes = np.full(len(rows.optics), size)
    return Particles(
        rows.optics.with_columns(rlnImagePixelSize=_pixel_sizes(rows, pixel_size, zoom), rlnImageSize=sizes),
        table.with_columns(rlnImageName=names),
        others=rows.others,
    )


def _pixel_sizes(rows: Particles, pixel_size: float, zoom: float) -> np.ndarray:
    if "rlnImagePixelSize" in rows.optics:
        return rows.optics["rlnImagePixelSize"] * zoom
    return np.full(len(rows.optics), pixel_size)
