"""Two estimates of the CTFs of the same micrographs, side by side: other programs', other settings', other spectra's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.compare import Disagreement, disagreement
from relionlab.errors import InputError, StarError
from relionlab.exchange.ctffind4 import Estimate, read_ctffind4
from relionlab.exchange.gctf import read_gctf
from relionlab.io.job_names import root_below_job
from relionlab.io.particles import Particles
from relionlab.io.star import read_star
from relionlab.io.table import Table

TABLE = "ctf_differences"
_LABELS = {
    "defocus": "relionlabDefocusDifference",
    "astigmatism": "relionlabAstigmatismDifference",
    "phase": "relionlabPhaseShiftDifference",
    "resolution": "relionlabDisagreementResolution",
}
_ENDINGS = ("_ctffind4", "_gctf", "_PS", "_noDW")  # what programs put behind a micrograph's name
_COARSEST = 999.0  # Å, written for "they differ everywhere"


@dataclass(frozen=True)
class Named:
    """Estimates (N, 4), defocus U, V in Å, angle of U and phase shift in degrees, and whose they are."""

    names: list[str]
    values: np.ndarray
    source: str


@dataclass(frozen=True)
class Comparison:
    """Micrographs that both estimates have.

    names      as the first calls them
    rows       (M,) their rows in the first
    defocus    (M,) mean defocus in Å of the first
    different  see Disagreement
    """

    names: list[str]
    rows: np.ndarray
    defocus: np.ndarray
    different: Disagreement

    def __str__(self) -> str:
        d = self.different
        worst = int(np.argmax(d.resolution))
        return (
            f"{len(self.names)} micrographs; median |difference| of the defocus {np.median(np.abs(d.defocus)):.0f} Å (largest"
            f" {np.abs(d.defocus).max():.0f}), of the astigmatism {np.median(d.astigmatism):.0f} Å; the CTFs are 90° apart in phase"
            f" from {np.median(d.resolution):.1f} Å on (median), at worst {min(d.resolution[worst], _COARSEST):.1f} Å"
            f" ({self.names[worst]})"
        )

    def table(self) -> Table:
        """Return the differences as a table: Å and degrees, the second less the first; 999 Å: they agree nowhere."""
        columns: dict[str, object] = {"rlnMicrographName": self.names, "relionlabMeanDefocus": self.defocus}
        columns |= {label: getattr(self.different, name) for name, label in _LABELS.items()}
        columns[_LABELS["resolution"]] = np.minimum(self.different.resolution, _COARSEST)
        return Table(columns, name=TABLE)


def compare(first: Named, second: Named, *, voltage_kv: Sequence[float]) -> Comparison:
    """Compare two sets of estimates; ``voltage_kv`` (N,) is the first's."""
    pairs = _pairs(first, second)
    mine, theirs = (np.array(part) for part in zip(*pairs, strict=True))
    wavelengths = np.array([Optics(voltage_kv[row], 0.0, 0.0, 1.0).wavelength for row in mine.tolist()])
    different = disagreement(first.values[mine], second.values[theirs], wavelength=wavelengths)
    return Comparison([first.names[row] for row in mine], mine, first.values[mine, :2].mean(axis=1), different)


def comparison_of(table: Table) -> Comparison:
    """Return a comparison from the table that it wrote."""
    if _LABELS["defocus"] not in table:
        raise StarError(f"{table.source or 'The table'} has no {_LABELS['defocus']}: expected what compare_ctf wrote.")
    different = Disagreement(**{name: table.numbers(label) for name, label in _LABELS.items()})
    names = table["rlnMicrographName"].tolist()
    return Comparison(names, np.arange(len(names)), table.numbers("relionlabMeanDefocus"), different)


def estimates_of(listed: Particles, source: str) -> Named:
    """Return the estimates of a list of micrographs."""
    labels = (("rlnDefocusU", None), ("rlnDefocusV", None), ("rlnDefocusAngle", 0.0), ("rlnPhaseShift", 0.0))
    columns = []
    for label, default in labels:
        if label not in listed and default is None:
            raise StarError(f"{source} has no {label}: expected the list of a CtfFind job, as micrographs_ctf.star.")
        column = listed.column(label) if label in listed else np.full(len(listed), default)
        columns.append(np.asarray(column, dtype=np.float64))
    return Named([str(n) for n in listed.column("rlnMicrographName").tolist()], np.stack(columns, axis=1), source)


def read_estimates(paths: Sequence[Path], source: str) -> Named:
    """Read estimates from a STAR list (of any RELION, or Gctf's), or from CTFFIND 4's and Gctf's files of single micrographs.

    source  what was asked for, for messages
    """
    names: list[str] = []
    values = []
    for path in paths:
        found = _of_star(path) if path.suffix == ".star" else [(path.stem, _of_file(path))]
        for name, one in found:
            names.append(name)
            values.append((one.defocus_u, one.defocus_v, one.defocus_angle, one.phase_shift))
    return Named(names, np.array(values, dtype=np.float64).reshape(-1, 4), source)


def read_result(root: Path) -> Estimate:
    """Return what CTFFIND 4, Gctf or this fit left for a micrograph: root.txt, or root_gctf.log."""
    gctf = Path(f"{root}_gctf.log")
    return read_gctf(gctf)[0] if gctf.exists() and not Path(f"{root}.txt").exists() else read_ctffind4(f"{root}.txt")[0]


def _of_star(path: Path) -> list[tuple[str, Estimate]]:
    if not any("rlnMicrographName" in table for table in read_star(path).values()):
        raise StarError(f"{path} names no micrographs (rlnMicrographName): expected a list with their CTF.")
    return [(one.micrograph, one) for one in read_gctf(path)]


def _of_file(path: Path) -> Estimate:
    return (read_gctf if path.stem.endswith("_gctf") else read_ctffind4)(path)[0]


def _pairs(first: Named, second: Named) -> list[tuple[int, int]]:
    """Return rows that are the same micrograph: the same name below the job, or else the same plain name."""
    for same in (root_below_job, _plain):
        keys = [[same(name) for name in part.names] for part in (first, second)]
        there = {key: row for row, key in enumerate(keys[1])}
        found = [(row, there[key]) for row, key in enumerate(keys[0]) if key in there]
        if found:
            repeated = [key for key, count in Counter([keys[0][row] for row, _ in found]).items() if count > 1]
            if repeated:
                raise InputError(
                    f"{first.source} names {repeated[0]} more than once: it cannot be told which is meant in {second.source}."
                )
            return found
    raise InputError(
        f"{first.source} and {second.source} have no micrograph in common: give two estimates of the same ones."
    )


def _plain(name: str) -> str:
    stem = Path(name).stem
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    return stem
