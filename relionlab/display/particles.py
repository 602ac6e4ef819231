"""A sheet of particle images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from relionlab.display.class_averages import columns_for
from relionlab.display.distributions import particles_of
from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.words import many
from relionlab.errors import InputError
from relionlab.io.images import read_header, read_stack


def image_sheet(
    images: np.ndarray,
    *,
    pixel_size: float | None = None,
    texts: list[str] | None = None,
    columns: int | None = None,
    pixels: int = 96,
    widths: Mapping[int, float] | None = None,
) -> Picture:
    """Draw images (n, y, x) beside each other, each with its own grey scale; ``texts`` stand below them.

    pixel_size  Å; where it is given a scale bar is drawn
    widths      or number of an image -> its width in Å: these get a scale bar each
    """
    lines = 0 if texts is None else 1
    plan = Mosaic(count=len(images), columns=columns or columns_for(len(images)), pixels=pixels, lines=lines)
    overlay = mosaic([grey(image, clip=(0.5, 99.5)) for image in images], plan)
    overlay = overlay * captions(texts if texts is not None else [""] * len(images), plan)
    box = images.shape[-1]
    for tile, width in (widths or ({} if pixel_size is None else {0: pixel_size * box})).items():
        overlay = overlay * scale_bar(plan, width=width, tile=tile)
    size = f"{images.shape[-2]} × {box} px" + ("" if pixel_size is None else f" at {pixel_size:.3g} Å per px")
    return Picture(
        sheet(overlay, plan), "Images", f"{many(len(images), 'image')} of {size}, each on its own grey scale."
    )


def particle_montage(
    source: str | Path,
    *,
    count: int = 40,
    seed: int | None = 0,
    by: str | None = None,
    low_pass: float | None = None,
) -> Picture:
    """Draw some particles of a STAR file.

    count     how many
    seed      chooses them at random; ``None``: the first ones
    by        a column: half of them are those of its lowest values, half of its highest (rlnParticleSelectZScore)
    low_pass  Å; filters the images so that particles are seen above the noise (Gaussian, 1/e at this resolution)
    """
    from relionlab.display.results import find_file
    from relionlab.io.image_names import parse_image_name
    from relionlab.io.particles import read_particles

    data = read_particles(source)
    table = particles_of(data.particles)
    if len(table) == 0:
        raise InputError(f"{source} holds no particles: nothing can be drawn.")
    count = min(count, len(table))
    if by is not None:
        order = np.argsort(table.numbers(by), kind="stable")
        rows = np.concatenate([order[: count // 2], order[len(order) - (count - count // 2) :]])
    elif seed is None:
        rows = np.arange(count)
    else:
        rows = np.sort(np.random.default_rng(seed).choice(len(table), count, replace=False))
    names = [parse_image_name(name) for name in table["rlnImageName"][rows]]
    images = np.stack([read_stack(find_file(path, source), np.array([index]))[0] for index, path in names])
    pixel_size = float(data.optics["rlnImagePixelSize"][0])
    if low_pass is not None:
        images = filtered(images, low_pass, pixel_size=pixel_size)
    texts = [str(row + 1) if by is None else f"{row + 1}: {table.numbers(by)[row]:.3g}" for row in rows]
    drawn = image_sheet(images, pixel_size=pixel_size, texts=texts)
    chosen = "the first ones" if seed is None else "chosen at random"
    if by is not None:
        chosen = f"those of the lowest {by.removeprefix('rln')} and then those of the highest"
    filter_words = "" if low_pass is None else f" Low-pass filtered to {low_pass:g} Å."
    told = (
        f"All {many(count, 'particle')}"
        if count == len(table)
        else f"{count:,} of {many(len(table), 'particle')}, {chosen}"
    )
    caption = f"{told}; below each: its row.{filter_words}"
    return Picture(drawn.description, "Particles", caption)


def stack_gallery(path: str | Path, *, count: int = 100) -> Picture:
    """Draw the first images of a stack file."""
    header = read_header(path)
    count = min(count, header.count)
    images = read_stack(path, np.arange(count))
    drawn = image_sheet(images, pixel_size=header.pixel_size or None, texts=[str(i + 1) for i in range(count)])
    caption = f"{count} of {many(header.count, 'image')}; {drawn.caption.split(' of ', 1)[1]}"
    return Picture(drawn.description, Path(path).name, caption)


def filtered(images: np.ndarray, resolution: float, *, pixel_size: float) -> np.ndarray:
    """Return images (n, y, x) after a Gaussian low-pass filter that is 1/e at ``resolution`` (Å)."""
    import scipy.fft

    y = scipy.fft.fftfreq(images.shape[-2], pixel_size)[:, None]
    x = scipy.fft.rfftfreq(images.shape[-1], pixel_size)[None, :]
    weight = np.exp(-(y**2 + x**2) * resolution**2)
    return scipy.fft.irfft2(scipy.fft.rfft2(images) * weight, images.shape[-2:])
