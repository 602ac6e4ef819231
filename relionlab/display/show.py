"""``show``: look at any file of a project."""

from __future__ import annotations

from pathlib import Path

from relionlab.display.picture import Picture
from relionlab.errors import InputError

_PACKED = (".gz", ".bz2", ".zst")
_EYE = 25.0  # Å to which particles are smoothed, so that the eye finds them in the noise


def show(path: str | Path) -> Picture:
    """Return a picture of any file or job directory, chosen by what it holds.

    a job directory          class averages or maps of its last iteration; all micrographs' CTFs of CtfFind; particles of
                             Extract, sorted ones of Sort
    run_itNNN_model.star     the class averages or maps of that iteration
    postprocess.star         Fourier shell correlations
    another .star            its longest table
    .mrcs .stk .hed .img     a sheet of the first images
    relion_locres.mrc        slices of the map, coloured by the local resolution
    .mrc .map .spi           three slices and projections of a map, or the image
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist (looked in {Path.cwd()}): give a file or a job directory.")
    if path.is_dir():
        return _directory(path)
    name = path.name.removesuffix(next((s for s in _PACKED if path.name.endswith(s)), ""))
    if name.endswith(".star"):
        return _star(path, name)
    return _images(path)


def _directory(path: Path) -> Picture:
    from relionlab.display.class_averages import class_averages
    from relionlab.display.particles import particle_montage
    from relionlab.display.reference_maps import reference_maps
    from relionlab.display.results import model_files
    from relionlab.display.tables import star_table
    from relionlab.jobs.refinement.rounds import is_three_dimensional

    if is_three_dimensional(path):
        return reference_maps(path)
    if model_files(path):
        return class_averages(path)
    for name, column in (("particles_sort.star", "rlnParticleSelectZScore"), ("particles.star", None)):
        if (path / name).exists() and path.parent.name in ("Extract", "Sort", "Polish", "Subtract"):
            return particle_montage(path / name, by=column, low_pass=_EYE)
    if (path / "postprocess.star").exists():
        return _star(path / "postprocess.star", "postprocess.star")
    if (path / "relion_locres.mrc").exists():
        return _images(path / "relion_locres.mrc")
    if (path / "mask.mrc").exists():
        from relionlab.display.postprocess import mask_pictures

        return mask_pictures(path)[0]
    if (path / "micrographs_ctf.star").exists():
        from relionlab.display.thon import ctf_overview

        return ctf_overview(path)
    tables = sorted(path.glob("*.star"), key=lambda file: (file.name.startswith(("job", "default")), file.name))
    if not tables:
        raise InputError(f"{path} holds nothing that can be shown: expected a job directory with STAR files.")
    return star_table(tables[0])


def _star(path: Path, name: str) -> Picture:
    from relionlab.display.class_averages import class_averages
    from relionlab.display.reference_maps import reference_maps
    from relionlab.display.spectra import fsc
    from relionlab.display.tables import star_table
    from relionlab.io.star import read_star
    from relionlab.jobs.refinement.rounds import last_round

    tables = read_star(path)
    if name.endswith("_model.star") and "model_classes" in tables:
        flat = int(tables["model_general"].value("rlnReferenceDimensionality")) == 2
        return class_averages(path) if flat else reference_maps(last_round(path))
    return fsc(path) if "fsc" in tables else star_table(path)


def _images(path: Path) -> Picture:
    from relionlab.display.maps import ortho_slices
    from relionlab.display.particles import image_sheet, stack_gallery
    from relionlab.io.images import read_header, read_image

    header = read_header(path)
    if header.is_stack and header.count > 1:
        return stack_gallery(path)
    if len(header.shape) == 3 and header.shape[0] > 1:
        if path.name.endswith("_locres.mrc"):
            from relionlab.display.local_resolution import local_resolution_slices

            return local_resolution_slices(path)
        return ortho_slices(path)
    image = read_image(path)
    drawn = image_sheet(image.reshape(1, *image.shape[-2:]), pixel_size=header.pixel_size or None, pixels=640)
    return Picture(drawn.description, path.name, drawn.caption)
