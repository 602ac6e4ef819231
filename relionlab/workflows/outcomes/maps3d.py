"""What an initial model, a 3D classification or a refinement came to: the verdict of the run, with a grade."""

from __future__ import annotations

import numpy as np

from relionlab.jobs.refinement import verdict as run_verdict
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.workflows.outcome import Grade, Number, Outcome, Shown
from relionlab.workflows.outcomes.place import Place

SHAPELESS = 5.0
"""Diameter over resolution below which a map shows no shape by which its orientation could be told."""
_SETTLED, _TAKEN = 0.02, 0.9


def refined(place: Place) -> Outcome:
    """Judge a 3D run by its last finished iteration; RELION's runs too."""
    run = outcome_of(place.path)
    shares = np.array(run.class_shares)
    known = f" from {run.particles:,} particles" if run.particles else ""
    numbers = [
        Number("Resolution", run.resolution_angstrom, "Å"),
        Number("Particles", run.particles),
        Number("Iterations", run.iterations),
        Number("Nyquist limit", run.nyquist_angstrom, "Å"),
        Number("Accuracy of the angles", run.accuracy_rotations, "°"),
        Number("Accuracy of the offsets", run.accuracy_offsets, "Å"),
        Number("Evenness of views, of 1", run.completeness),
    ]
    if len(shares) > 1:
        numbers[1:1] = [Number(f"Class {k + 1}", 100 * float(share), "%") for k, share in enumerate(shares[:8])]
    sentences = run_verdict.verdict(run)
    grade = _grade(run, place)
    return Outcome(
        headline=f"{run.resolution_angstrom:.1f} Å{known}",
        numbers=tuple(
            number for number in numbers if np.isfinite(number.value) and (number.value or number.what != "Particles")
        ),
        grade=grade,
        reason=sentences[0],
        advice=" ".join(sentences[1:]),
        pictures=_pictures(place, run),
    )


def _grade(run: run_verdict.Outcome, place: Place) -> Grade:
    """Return the grade that goes with the verdict's sentences."""
    shares = np.array(run.class_shares)
    if run.angles_useless or run.iterations < 1:
        return "bad"
    identical = run.fsc is not None and len(run.fsc) > 2 and float(np.min(run.fsc[1:])) > run_verdict._IDENTICAL
    if identical:
        return "bad"
    uneven = run.empty > run_verdict._HOLE or run.completeness < run_verdict._SIDE_VIEWS
    if run.kind == "refinement":
        return "good" if run.converged and not uneven else "doubtful"
    if run.kind == "classification":
        unsettled = len(shares) > 1 and run.changed[2] > _SETTLED
        return "doubtful" if unsettled or (len(shares) > 1 and shares.max() > _TAKEN) else "good"
    diameter = place.value("particle_diameter")
    shapeless = isinstance(diameter, float) and run.resolution_angstrom > diameter / SHAPELESS
    return "doubtful" if shapeless or uneven else "good"


def _pictures(place: Place, run: run_verdict.Outcome) -> tuple[Shown, ...]:
    curve = "Fourier shell correlation" if run.kind == "refinement" else "Signal to noise"
    return (
        Shown("Slices and projections", lambda: _display("reference_maps", place)),
        Shown(curve, lambda: _display("fsc_course", place)),
        Shown("Viewing directions", lambda: _display("angular_distribution", place)),
        Shown("Convergence", lambda: _display("convergence3d", place)),
        Shown("Verdict in numbers", lambda: _display("verdict_picture", place)),
    )


def _display(name: str, place: Place) -> object:
    from relionlab import display

    return getattr(display, name)(place.path)
