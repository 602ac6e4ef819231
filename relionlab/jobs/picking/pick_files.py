"""The files of a picking job: coordinates, hand edits, figure-of-merit maps, the summary.

Names and labels are RELION 3.1's; what is ours says so: ``*_scores.npz`` (maps for re-picking, compressed) and
``*_edits.star`` (additions and deletions by hand, which every later pick of the micrograph respects).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from relionlab.engine.picking import Edits, Frame, Picks, Scores
from relionlab.errors import InputError
from relionlab.io.atomic import atomic_write
from relionlab.io.coordinates import FOM, X, Y, read_coordinates, write_coordinates
from relionlab.io.images import read_stack
from relionlab.io.job_names import output_root
from relionlab.io.spider import write_spider
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

CLASS, PSI = "rlnClassNumber", "rlnAnglePsi"
BLOB_ORDER = (X, Y, FOM, CLASS, PSI)
TEMPLATE_ORDER = (X, Y, CLASS, FOM, PSI)
_BY_HAND = -999
"""RELION's figure of merit, class and angle of particles picked by hand."""


def root_of(micrograph: str, directory: str, pickname: str) -> str:
    """Return how the names of a micrograph's files begin.

    ``root_of("MotionCorr/job002/Movies/a.mrc", "AutoPick/job006/", "autopick") == "AutoPick/job006/Movies/a_autopick"``
    """
    return f"{output_root(directory, micrograph)}_{pickname}"


def write_picks(path: Path, picks: Picks, *, order: Sequence[str] = TEMPLATE_ORDER) -> None:
    """Write a micrograph's coordinates, an unnamed table in RELION's order of columns."""
    by_hand = ~np.isfinite(picks.fom)
    columns = {
        X: picks.x,
        Y: picks.y,
        FOM: np.where(by_hand, _BY_HAND, picks.fom),
        CLASS: np.where(by_hand, _BY_HAND, picks.reference + 1),
        PSI: np.where(by_hand, _BY_HAND, picks.psi),
    }
    write_coordinates(path, Table({label: columns[label] for label in order}))


def read_picks(path: Path) -> Picks:
    """Read a micrograph's coordinates, whoever picked them, in any form of :func:`read_coordinates`.

    Raises InputError if there is no such file or it has no coordinates.
    """
    table = read_coordinates(path)

    fom = table.numbers(FOM, np.nan)
    fom = np.where(fom <= _BY_HAND, np.nan, fom)
    reference = np.maximum(table.numbers(CLASS, 0) - 1, -1).astype(np.int64)
    psi = np.where(np.isfinite(fom), table.numbers(PSI, 0), 0.0)
    return Picks(table.numbers(X), table.numbers(Y), fom, reference, psi)


def write_edits(path: Path, edits: Edits) -> None:
    """Write a micrograph's hand edits: the tables "added" and "removed", with coordinates in px."""
    tables = [
        Table({X: points[:, 0], Y: points[:, 1]}, name=name)
        for name, points in (("removed", edits.removed), ("added", edits.added))
        if len(points)
    ]
    write_star(path, tables or [Table({X: [], Y: []}, name="added")])


def read_edits(path: Path) -> Edits:
    """Read a micrograph's hand edits; no file is no edits."""
    if not path.exists():
        return Edits()
    tables = read_star(path)
    points = {
        name: np.stack([tables[name].numbers(X), tables[name].numbers(Y)], axis=1)
        for name in ("added", "removed")
        if name in tables
    }
    return Edits(**points)


def write_summary(path: Path, names: Sequence[str], picks: Sequence[Picks]) -> None:
    """Write summary.star: mean figure of merit and number of particles of each micrograph."""
    means = [
        float(np.mean(found.fom[np.isfinite(found.fom)])) if np.isfinite(found.fom).any() else 0.0 for found in picks
    ]
    columns = {"rlnMicrographName": list(names), FOM: means, "rlnGroupNrParticles": [len(found) for found in picks]}
    write_star(path, [Table(columns)])


# --- maps ---------------------------------------------------------------------------------------------------------


def map_path(root: Path, kind: str, reference: int | None = None) -> Path:
    """Return the place of a map: RELION's names, ``root`` being that of :func:`root_of`."""
    inner = f"_ref{reference:06d}._{kind}" if reference is not None else f"_{kind}"
    return root.with_name(f"{root.name}{inner}.spi")


def write_map(root: Path, kind: str, image: np.ndarray, *, reference: int | None = None) -> None:
    """Write one figure-of-merit map under RELION's name."""
    write_spider(map_path(root, kind, reference), image)


def scores_path(root: Path) -> Path:
    """Return the place of a micrograph's compressed scores."""
    return root.with_name(f"{root.name}_scores.npz")


def write_scores(root: Path, scores: Scores, *, made: str = "") -> None:
    """Write what re-picking needs, compressed, with all digits: picks from it are the same. ``made``: with which settings."""
    frame = scores.frame
    arrays = {
        "fom": scores.fom.astype(np.float32),
        "reference": scores.reference.astype(np.int16),
        "psi": scores.psi.astype(np.float32),
        "average": scores.average.astype(np.float32),
        "stddev": scores.stddev.astype(np.float32),
        "frame": np.array([*frame.shape, *frame.padded, *frame.work], dtype=np.int64),
        "sizes": np.array([frame.pixel_size, scores.margin, scores.distance]),
        "made": np.array(made),
    }
    if scores.diameter is not None:
        arrays["diameter"] = scores.diameter.astype(np.float32)
    if scores.centre is not None:
        arrays["centre"] = scores.centre.astype(np.float32)
    with atomic_write(scores_path(root)) as temporary, temporary.open("wb") as out:
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]


def made_with(root: Path) -> str | None:
    """Return with which settings a micrograph's scores were made; ``None`` if it has none, or damaged ones."""
    try:
        with np.load(scores_path(root)) as kept:
            return str(kept["made"])
    except (OSError, ValueError, LookupError, EOFError, BadZipFile):
        return None


def read_scores(root: Path) -> Scores:
    """Read a micrograph's compressed scores; InputError if the file is missing or damaged."""
    place = scores_path(root)
    try:
        with np.load(place) as kept:
            arrays = {name: kept[name] for name in kept.files}
        sides = [int(number) for number in arrays["frame"]]
        frame = Frame((sides[0], sides[1]), (sides[2], sides[3]), (sides[4], sides[5]), float(arrays["sizes"][0]))
        return Scores(
            fom=arrays["fom"].astype(np.float32),
            reference=arrays["reference"].astype(np.int32),
            psi=arrays["psi"].astype(np.float32),
            average=arrays["average"].astype(np.float32),
            stddev=arrays["stddev"].astype(np.float32),
            frame=frame,
            margin=float(arrays["sizes"][1]),
            distance=float(arrays["sizes"][2]),
            diameter=arrays.get("diameter"),
            centre=arrays.get("centre"),
        )
    except (OSError, ValueError, LookupError, EOFError, BadZipFile) as error:
        raise InputError(f"{place} cannot be read ({error}): run once more with --write_fom_maps.") from error


def read_relion_maps(root: Path, *, shape: tuple[int, int], pixel_size: float, margin: float) -> Scores:
    """Read the maps that RELION wrote for templates, ``*_refNNNNNN._bestCCF.spi`` and the rest.

    shape, pixel_size  (y, x) and Å of the micrograph
    margin             Å from the edge within which nothing is picked

    RELION's figure of merit is kept. Its maps are squares over the micrograph's longer side. Raises InputError if
    there are none.
    """
    found = sorted(root.parent.glob(f"{root.name}_ref*._bestCCF.spi"))
    if not found:
        raise InputError(
            f"there are neither {scores_path(root).name} nor maps of RELION for it: run once with --write_fom_maps."
        )
    if shape[0] != shape[1]:
        raise InputError(
            "its sides differ, and RELION's maps of such micrographs cannot be told apart from ours: run once with --write_fom_maps."
        )
    fom = np.stack([read_stack(path)[0] for path in found])
    psi = np.stack([read_stack(str(path).replace("_bestCCF", "_bestPSI"))[0] for path in found])
    best = fom.argmax(axis=0)
    size = fom.shape[1], fom.shape[2]
    average, stddev = (
        read_stack(map_path(root, kind))[0] if map_path(root, kind).exists() else np.zeros(size, np.float32)
        for kind in ("avgNoise", "stddevNoise")
    )
    return Scores(
        fom=fom.max(axis=0),
        reference=best.astype(np.int32),
        psi=np.take_along_axis(psi, best[None], axis=0)[0],
        average=average,
        stddev=stddev,
        frame=Frame(shape, shape, size, pixel_size),
        margin=margin,
    )
