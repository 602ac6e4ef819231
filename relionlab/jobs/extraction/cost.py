"""How much extraction has to do."""

from __future__ import annotations

from relionlab.io.coordinate_files import read_coordinate_files
from relionlab.io.star_head import sample_rows, star_heads
from relionlab.jobs.extraction.cutter import Boxes
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.extraction.run import bytes_needed
from relionlab.jobs.particles.stack import Operations
from relionlab.jobs.work import Facts, Work

_PER_PIXEL = 1.2e-8  # seconds of a core for each pixel of a micrograph that is read
_PER_BOXED = 4.0e-8  # for each pixel of each box: cut, rescaled, normalised, written
_ALONE = 1.5
_ITSELF = 150 << 20  # bytes of a process that compiles nothing
_LOOKED_AT = 12  # coordinate files


def extraction(job: Extract, facts: Facts) -> Work:
    """Each micrograph is read once, each particle cut, rescaled and normalised."""
    found = facts.micrographs(job.star_mics)
    count, guessed = _particles(job, facts, found.count)
    at_once = Boxes(job.extract_size, Operations()).at_once
    each = bytes_needed(found.shape, job.extract_size, min(at_once, max(count // max(found.count, 1), 1)))
    workers, doubt = facts.workers(found.count, threads=job.nr_mpi if job.nr_mpi > 1 else 0, each=each)
    final = job.rescale if job.do_rescale else job.extract_size
    return Work(
        shared=found.count * found.pixels * _PER_PIXEL + count * job.extract_size**2 * _PER_BOXED,
        alone=_ALONE + count * 2e-5,
        workers=workers,
        memory=_ITSELF + workers * each,
        disk=count * (final**2 * (2 if job.do_float16 else 4) + 400),
        doubt=doubt,
        draws=False,
        words=f"{'about ' if guessed else ''}{count:,} particles from {found.count:,} micrographs",
    )


def _particles(job: Extract, facts: Facts, micrographs: int) -> tuple[int, bool]:
    """Return how many particles there will be, and whether that was reckoned from some micrographs."""
    if job.do_reextract:
        return facts.particles(job.fndata_reextract).count, False
    files = read_coordinate_files(job.coords_suffix, directory=facts.directory)
    heads = star_heads(facts.directory / job.star_mics)
    name = next(one.name for one in heads.values() if "rlnMicrographName" in one.first)
    rows = sample_rows(facts.directory / job.star_mics, name, _LOOKED_AT)
    counts = []
    for row in rows:
        file = files.path_of(row["rlnMicrographName"], project=facts.directory)
        if file is None or not (facts.directory / file).is_file():
            counts.append(0)
        elif file.endswith(".star"):
            tables = star_heads(facts.directory / file).values()
            counts.append(max((table.rows for table in tables if "rlnCoordinateX" in table.labels), default=0))
        else:
            counts.append(sum(1 for line in (facts.directory / file).read_text().splitlines() if line.strip()))
    mean = sum(counts) / max(len(counts), 1)
    return round(mean * micrographs), len(rows) < micrographs
