"""What extraction, selection, sorting and joining came to: how many particles, and whether their boxes suit them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from relionlab.errors import NodeError, RelionlabError
from relionlab.io.star import read_star
from relionlab.io.star_columns import read_columns
from relionlab.jobs.selecting.select import Select
from relionlab.workflows.outcome import Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place
from relionlab.workflows.sizes_used import diameter_used, pixel_and_box

ROOMY, TIGHT = 3.0, 1.25
"""Box over the particle's diameter: below TIGHT the CTF's delocalised signal is cut off; 1.5 to 2 is usual (RELION's tutorials;
Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721, section 3); above ROOMY time is wasted."""
LITTLE = 0.1
"""Share of the particles below which a selection has probably gone wrong."""


def extracted(place: Place) -> Outcome:
    """Judge an Extract job: how many particles, and whether their boxes leave room for the CTF."""
    star = place.file("particles.star", "shiny.star", "particles_subtracted.star")
    table = read_columns(star, "rlnImageName", "rlnMicrographName")
    count = len(table)
    pixel, box = pixel_and_box(star)
    numbers = [Number("Particles", count), Number("Box", box, "px"), Number("Pixel size", pixel, "Å")]
    if box == box and pixel == pixel:
        numbers += [Number("Box", box * pixel, "Å"), Number("Nyquist limit", 2 * pixel, "Å")]
    if "rlnMicrographName" in table:
        numbers.append(Number("Micrographs", len(set(table["rlnMicrographName"].tolist()))))
    headline = f"{count:,} particles" + (f", {box:.0f} px of {pixel:.3g} Å" if pixel == pixel else "")
    pictures = (Shown("Some particles, smoothed", lambda: _montage(star)), *_spread(star))
    if not count:
        return Outcome(
            "No particles",
            tuple(numbers),
            "bad",
            "Nothing was extracted.",
            "Check that the coordinates are of these micrographs.",
        )
    diameter = _diameter(place)
    ratio = box * pixel / diameter if diameter else np.nan
    reason = ""
    if ratio < TIGHT:
        reason = f"The box is {ratio:.2f} times the particle's {diameter:.0f} Å: the CTF spreads signal beyond it."
    if ratio > ROOMY:
        reason = f"The box is {ratio:.1f} times the particle's {diameter:.0f} Å: all that follows takes longer than it needs."
    if reason:
        advice = "Extract again with a box of 1.5 to 2 times the diameter."
        return Outcome(headline, tuple(numbers), "doubtful", reason, advice, pictures)
    told = "The box suits the particle." if ratio == ratio else "The particles were cut out."
    return Outcome(headline, tuple(numbers), "good", told, "", pictures)


def listed(place: Place) -> Outcome:
    """Judge a job that makes a list: Sort, JoinStar and their like."""
    star = place.file(
        *(
            "particles_sort.star",
            "join_particles.star",
            "join_mics.star",
            "join_movies.star",
            "particles_ctf_refine.star",
            "particles.star",
        )
    )
    label = "rlnImageName" if "mics" not in star.name else "rlnMicrographName"
    count = len(read_columns(star, label))
    headline = f"{count:,} rows in {star.name}"
    if not count:
        return Outcome(headline, (Number("Rows", 0),), "bad", "The list is empty.", "See the log.")
    return Outcome(
        headline,
        (Number("Rows", count),),
        "good",
        f"{star.name} was written.",
        "",
        (Shown("The list", lambda: _show(star)),),
    )


def selected(place: Place) -> Outcome:
    """Judge a Select job: how much was kept, of what."""
    files = [
        path
        for path in sorted(place.path.glob("*.star*"))
        if re.match(r"(particles|micrographs)(_\w+)?\.star", path.name)
    ]
    if not files:
        raise NodeError("The job left no particles.star and no micrographs.star.")
    what = "micrographs" if files[0].name.startswith("micrographs") else "particles"
    label = "rlnMicrographName" if what == "micrographs" else "rlnImageName"
    kept = sum(len(read_columns(path, label)) for path in files)
    before = _before(place, label)
    numbers = [Number(f"{what.capitalize()} kept", kept)]
    if before:
        numbers += [Number(f"{what.capitalize()} before", before), Number("Share", 100 * kept / before, "%")]
    pictures = [Shown("The list", lambda: _show(files[0]))]
    classes = place.path / "class_averages.star"
    if classes.exists() and what == "particles":
        images = place.path / "class_averages.mrcs"
        numbers.insert(1, Number("Classes", len(read_columns(classes, "rlnReferenceImage"))))
        if images.exists():
            pictures.insert(0, Shown("The chosen classes", lambda: _sheet(images)))
    headline = f"{kept:,} {what}" + (f" of {before:,}" if before else "")
    if not kept:
        return Outcome(
            f"No {what}",
            tuple(numbers),
            "bad",
            "Nothing was kept.",
            "Choose again, with looser limits.",
            tuple(pictures),
        )
    if before and kept < LITTLE * before:
        reason = f"Only {100 * kept / before:.0f} % were kept."
        return Outcome(
            headline,
            tuple(numbers),
            "doubtful",
            reason,
            "Look at what was left out: are there good ones among it?",
            tuple(pictures),
        )
    told = f"{100 * kept / before:.0f} % were kept." if before else "The selection was written."
    return Outcome(headline, tuple(numbers), "good", told, "", tuple(pictures))


def _before(place: Place, label: str) -> int:
    """Return how many rows the selection was made from, 0 if that is not known."""
    job = place.job
    if not isinstance(job, Select):
        return 0
    source = place.input(job.fn_mic or job.fn_data)
    if job.fn_model:
        model = place.input(job.fn_model)
        names = [] if model is None else [re.sub(r"_(model|optimiser)\.star$", "_data.star", model.name)]
        found = [model.with_name(f"{name}{end}") for name in names for end in ("", ".gz", ".zst")] if model else []
        source = next((path for path in found if path.exists()), None)
    try:
        return 0 if source is None else len(read_columns(source, label))
    except RelionlabError:
        return 0


def _diameter(place: Place) -> float:
    """Return the particle's diameter in Å as the picking job had it, 0 if nobody said."""
    return diameter_used(place.directory) if place.directory is not None else 0.0


def _spread(star: Path) -> tuple[Shown, ...]:
    def draw() -> object:
        from relionlab.display.distributions import distributions

        tables = read_star(star)
        return distributions(tables.get("particles") or next(iter(tables.values())))

    return (Shown("Distributions", draw),)


def _montage(star: Path) -> object:
    from relionlab.display.particles import particle_montage

    return particle_montage(star, low_pass=25.0)  # Å, at which the eye finds particles in the noise


def _sheet(images: Path) -> object:
    from relionlab.display.particles import stack_gallery

    return stack_gallery(images)


def _show(star: Path) -> object:
    from relionlab.display.tables import star_table

    return star_table(star)
