"""Import: what is written, and what is not let in."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import ImageError, InputError, NodeError, ParameterError, StarError
from relionlab.io.images import read_stack, write_map, write_stack
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.io.tiff import TiffWriter
from relionlab.jobs.importing.job import Import, other_half
from relionlab.jobs.importing.program import ImportFiles
from tests.jobs.class2d_runs import Quiet
from tests.jobs.small_files import BOX, PIXEL_SIZE, optics, particle_rows


def run(job: Import, context, output: str = "Import/job001/") -> None:
    """Run a job by its own command line."""
    job.check()
    for command in job.commands(output):
        assert command.program == "import"
        ImportFiles.from_flags(command.arguments).run(context)
    for node in job.outputs(output):
        assert context.path(node.path).exists(), node


def raw_images(here, folder: str, suffix: str, frames: int = 1) -> None:
    (here / folder).mkdir()
    for number in range(3):
        images = np.zeros((frames, BOX, BOX), dtype=np.float32)
        write_stack(here / folder / f"m{number}{suffix}", images, pixel_size=1.5)


def other(name: str, node_type: str, **more: object) -> Import:
    return Import(do_raw=False, do_other=True, fn_in_other=name, node_type=node_type, **more)


def test_movies_are_listed_with_their_optics(here, context):
    raw_images(here, "Movies", ".mrcs", frames=3)
    run(Import(fn_in_raw="Movies/*.mrcs", angpix=1.5, optics_group_name="og1"), context)
    tables = read_star(here / "Import/job001/movies.star")
    assert tables["movies"]["rlnMicrographMovieName"].tolist() == [f"Movies/m{n}.mrcs" for n in range(3)]
    assert tables["optics"].labels == (
        "rlnOpticsGroupName",
        "rlnOpticsGroup",
        "rlnMicrographOriginalPixelSize",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
    )
    assert tables["optics"].value("rlnMicrographOriginalPixelSize") == 1.5


def test_micrographs_carry_their_pixel_size_and_beam_tilt(here, context):
    raw_images(here, "Micrographs", ".mrc")
    run(Import(fn_in_raw="Micrographs/*.mrc", is_multiframe=False, angpix=1.5, beamtilt_x=0.3), context)
    found = read_star(here / "Import/job001/micrographs.star")["optics"]
    assert (found.value("rlnMicrographPixelSize"), found.value("rlnBeamTiltX")) == (1.5, 0.3)


def test_new_files_are_added_to_an_earlier_import(here, context):
    raw_images(here, "Movies", ".mrcs", frames=3)
    job = Import(fn_in_raw="Movies/*.mrcs", angpix=1.5)
    run(job, context)
    (here / "Movies/m0.mrcs").rename(here / "Movies/n0.mrcs")
    run(job.changed(other_args="--continue"), context)
    assert len(read_star(here / "Import/job001/movies.star")["movies"]) == 4
    with pytest.raises(ParameterError, match=r"already in .*optics group 1"):
        run(job.changed(other_args="--continue", optics_group_name="second"), context)
    (here / "Movies/m1.mrcs").rename(here / "Movies/k1.mrcs")
    run(job.changed(other_args="--continue", optics_group_name="second", fn_in_raw="Movies/k*.mrcs"), context)
    tables = read_star(here / "Import/job001/movies.star")
    assert tables["optics"]["rlnOpticsGroup"].tolist() == [1, 2]
    assert tables["movies"]["rlnOpticsGroup"].tolist()[-1] == 2


def test_particles_are_copied_or_renamed(here, context, particles):
    job = other("particles.star", "Particles STAR file (.star)")
    run(job, context)
    assert (here / "Import/job001/particles.star").read_bytes() == particles.read_bytes()
    run(job.changed(optics_group_particles="session2"), context)
    tables = read_star(here / "Import/job001/particles.star")
    assert tables["optics"].value("rlnOpticsGroupName") == "session2"
    assert tables["particles"] == read_star(particles)["particles"]


def test_both_half_maps_are_copied(here, context, half_maps):
    job = other(half_maps, "Unfiltered half-map (unfil.mrc)")
    run(job, context)
    assert [node.path for node in job.outputs("I/")] == [
        "I/run_half1_class001_unfil.mrc",
        "I/run_half2_class001_unfil.mrc",
    ]


def test_coordinates_are_copied_with_their_folders(here, context):
    (here / "Micrographs").mkdir()
    for number in range(2):
        (here / f"Micrographs/m{number}.box").write_text("3 4 10 10\n")
    run(other("Micrographs/*.box", "Particle coordinates (*.box, *_pick.star)"), context)
    assert (here / "Import/job001/coords_suffix.box").read_text() == "Micrographs/*.mrc\n"
    assert (here / "Import/job001/Micrographs/m1.box").exists()


@pytest.mark.parametrize(
    ("name", "node_type"),
    [
        ("mask.mrc", "3D mask (.mrc)"),
        ("ref.mrc", "3D reference (.mrc)"),
        ("refs.mrcs", "2D references (.star or .mrcs)"),
    ],
)
def test_single_files_are_copied(here, context, name, node_type):
    if name.endswith(".mrc"):
        write_map(here / name, np.full((8, 8, 8), 0.5, dtype=np.float32), pixel_size=2)
    else:
        write_stack(here / name, np.zeros((2, 8, 8), dtype=np.float32), pixel_size=2)
    run(other(name, node_type), context)


def test_the_label_tells_what_is_imported():
    assert Import().label() == "relion.import.movies"
    assert other("a.mrc", "3D mask (.mrc)").label() == "relion.import.other"


def test_contradicting_switches_are_said():
    assert "both are on" in Import(do_other=True).problems()[0]
    assert "both are off" in Import(do_raw=False).problems()[0]
    assert "leave out the blanks" in Import(optics_group_name="my group").problems()[0]


def test_partner_of_a_half_map():
    assert other_half("a/run_half1_class001_unfil.mrc") == "a/run_half2_class001_unfil.mrc"
    assert other_half("map.mrc") == ""


# --- what is not let in -------------------------------------------------------------------------------------------


def refuse(context, error: type[InputError], said: str, job: Import) -> None:
    with pytest.raises(error, match=said):
        run(job, context)
    assert not list(context.directory.glob("Import/job001/*.*")), "nothing may be written"


def refuse_particles(context, error: type[InputError], said: str) -> None:
    refuse(context, error, said, other("particles.star", "Particles STAR file (.star)"))


def test_wildcard_that_matches_nothing(context):
    refuse(context, NodeError, r"Nothing/\*\.tiff matches no file", Import(fn_in_raw="Nothing/*.tiff"))


def test_pixel_size_that_contradicts_the_header(here, context):
    raw_images(here, "Movies", ".mrcs", frames=2)
    refuse(
        context,
        ImageError,
        r"1\.5 Å in its header, the parameter says 0\.885 Å",
        Import(fn_in_raw="Movies/*.mrcs", angpix=0.885),
    )
    run(Import(fn_in_raw="Movies/*.mrcs", angpix=0.885, other_args="--ignore_headers"), context)


def tiff_movies(here, count: int = 3, pixel_size: float = 3.0) -> None:
    """TIFF movies that state their pixel size."""
    (here / "Movies").mkdir()
    frames = np.random.default_rng(1).poisson(3, (4, 64, 96)).astype(np.uint8)
    for number in range(count):
        with TiffWriter(here / f"Movies/m{number}.tiff", pixel_size) as movie:
            for frame in frames:
                movie.append(frame)


def test_movies_that_cannot_be_read_are_left_out(here, context, capsys):
    tiff_movies(here)
    whole = (here / "Movies/m1.tiff").read_bytes()
    (here / "Movies/m1.tiff").write_bytes(whole[: int(0.6 * len(whole))])
    (here / "Movies/m3.tiff").write_text("this is no movie")
    (here / "Movies/m4.eer").write_bytes(whole[:5000])
    run(Import(fn_in_raw="Movies/*", angpix=3.0), context)
    listed = read_star(here / "Import/job001/movies.star")["movies"]["rlnMicrographMovieName"]
    assert listed.tolist() == ["Movies/m0.tiff", "Movies/m2.tiff"]
    said = capsys.readouterr().err
    assert all(f"Movies/{name}" in said for name in ("m1.tiff", "m3.tiff", "m4.eer"))
    assert said.count("warning: left out: ") == 3


def test_folder_without_one_movie_that_can_be_read(here, context):
    (here / "Movies").mkdir()
    (here / "Movies/a.tif").write_text("nothing")
    refuse(
        context, ImageError, r"none of the 1 files can be read; the first: .*a\.tif", Import(fn_in_raw="Movies/*.tif")
    )


def test_pixel_size_that_contradicts_the_movie(here, context):
    tiff_movies(here)
    job = Import(fn_in_raw="Movies/*.tiff", angpix=1.0)
    refuse(context, ImageError, r"m0\.tiff has pixel size 3 Å in its header, the parameter says 1 Å", job)
    run(job.changed(other_args="--ignore_headers"), context)


def test_group_of_other_optics_under_an_old_name(here, context):
    raw_images(here, "Movies", ".mrcs", frames=2)
    job = Import(fn_in_raw="Movies/*.mrcs", angpix=1.5)
    run(job, context)
    for changes, said in (({"kv": 200.0}, "rlnVoltage 300.0, now it is 200"), ({"beamtilt_x": 0.5}, "rlnBeamTiltX 0")):
        with pytest.raises(ParameterError, match=f"optics group opticsGroup1 with {said}"):
            run(job.changed(other_args="--continue", **changes), context)
    run(job.changed(other_args="--continue"), context)


def test_coordinates_that_are_none(here, context):
    (here / "Mics").mkdir()
    (here / "Mics/a.box").write_text("3 4 10 10\n")
    for name, text, said in (
        ("b.box", "3 4 10 10\n3\n", r"b\.box, line 2"),
        ("b.box", "a b c d\n", r"b\.box, line 1, is 'a b c d'; expected"),
        ("b.txt", "x y\n1 2\nthree 4\n", r"b\.txt, line 3"),
        ("b.star", "data_\nloop_\n_rlnImageName\nx\n", "holds no coordinates"),
    ):
        (here / "Mics" / name).write_text(text)
        job = other(f"Mics/*.{name.partition('.')[2]}", "Particle coordinates (*.box, *_pick.star)")
        refuse(context, InputError, said, job)
    # the table of coordinates need not be the first
    (here / "Mics/b.star").write_text(
        "data_about\n_rlnImageSize 10\n\ndata_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n"
    )
    run(other("Mics/*.star", "Particle coordinates (*.box, *_pick.star)"), context)


def test_images_of_one_root(here, context):
    raw_images(here, "Movies", ".mrcs", frames=2)
    (here / "Movies/m0.tiff").touch()
    refuse(context, NodeError, r"Movies/m0 is matched 2 times", Import(fn_in_raw="Movies/*", angpix=1.5))


def test_detector_curve_that_is_none(here, context):
    raw_images(here, "Movies", ".mrcs", frames=2)
    job = Import(fn_in_raw="Movies/*.mrcs", angpix=1.5, fn_mtf="mtf.star")
    refuse(context, NodeError, r"mtf\.star, the detector's MTF, does not exist", job)
    write_star(here / "mtf.star", [Table({"rlnMtfValue": [1.0]})])
    refuse(context, StarError, "no table with the columns rlnResolutionInversePixel", job)


def test_particles_without_pixel_size(here, context, particles):
    write_star(particles, [optics().without("rlnImagePixelSize"), particle_rows()])
    refuse_particles(context, StarError, "pixel size")


def test_particles_without_images(context, particles):
    write_star(particles, [optics(), particle_rows().without("rlnImageName")])
    refuse_particles(context, StarError, "rlnImageName")


def test_particles_with_nan(context, particles):
    values = particle_rows()["rlnDefocusU"].copy()
    values[4] = np.nan
    write_star(particles, [optics(), particle_rows().with_columns(rlnDefocusU=values)])
    refuse_particles(context, StarError, r"particle 5, has rlnDefocusU = nan")


def test_particles_whose_stack_is_missing(here, context, particles):
    (here / "stack.mrcs").unlink()
    refuse_particles(context, NodeError, r"names stack\.mrcs, which does not exist")


def test_particles_beyond_the_stack(context, particles):
    write_star(particles, [optics(), particle_rows(41)])
    refuse_particles(context, ImageError, r"names image 41 of stack\.mrcs, which holds 40")


def test_particles_of_another_size(context, particles):
    write_star(particles, [optics(rlnImageSize=[32]), particle_rows()])
    refuse_particles(context, ImageError, "are 32 px wide; stack.mrcs has 16 px")


def test_particles_whose_header_contradicts(context, particles):
    write_star(particles, [optics(rlnImagePixelSize=[3.0]), particle_rows()])
    refuse_particles(context, ImageError, r"2 Å in its header, particles\.star says 3 Å")


def test_odd_boxes(here, context, particles):
    write_stack(here / "stack.mrcs", np.zeros((40, 15, 15), dtype=np.float32), pixel_size=PIXEL_SIZE)
    refuse_particles(context, ImageError, "15 pixels; expected an even size")


def test_images_with_nan(here, context, particles):
    images = np.zeros((40, BOX, BOX), dtype=np.float32)
    images[7, 3, 3] = np.nan
    write_stack(here / "stack.mrcs", images, pixel_size=PIXEL_SIZE)
    refuse_particles(context, ImageError, r"stack\.mrcs, image 8, has values that are no numbers")


def test_particles_of_an_unknown_optics_group(context, particles):
    rows = particle_rows()
    write_star(particles, [optics(), rows.with_columns(rlnOpticsGroup=[2] * len(rows))])
    refuse_particles(context, StarError, r"optics group")


def test_stacks_are_no_particle_lists(context, particles):
    refuse(context, NodeError, "is no STAR file", other("stack.mrcs", "Particles STAR file (.star)"))


def test_half_map_without_partner(here, context, half_maps):
    (here / "run_half2_class001_unfil.mrc").unlink()
    refuse(context, NodeError, "has no partner", other(half_maps, "Unfiltered half-map (unfil.mrc)"))
    write_map(here / "map.mrc", np.zeros((8, 8, 8), dtype=np.float32), pixel_size=2)
    refuse(context, NodeError, "must contain half1 or half2", other("map.mrc", "Unfiltered half-map (unfil.mrc)"))


def test_half_maps_that_differ(here, context, half_maps):
    job = other(half_maps, "Unfiltered half-map (unfil.mrc)")
    write_map(here / "run_half2_class001_unfil.mrc", np.ones((10, 10, 10), dtype=np.float32), pixel_size=2)
    refuse(context, ImageError, "the halves must agree", job)
    (here / "run_half2_class001_unfil.mrc").write_bytes((here / half_maps).read_bytes())
    refuse(context, ImageError, "are the same map", job)


def test_masks_out_of_range(here, context):
    write_map(here / "mask.mrc", np.full((8, 8, 8), 3.0, dtype=np.float32), pixel_size=2)
    refuse(context, ImageError, "a mask lies between 0", other("mask.mrc", "3D mask (.mrc)"))


def test_maps_that_are_no_cubes(here, context):
    write_map(here / "ref.mrc", np.zeros((8, 8, 10), dtype=np.float32), pixel_size=2)
    refuse(context, ImageError, "expected a cube", other("ref.mrc", "3D reference (.mrc)"))


def test_coordinates_without_wildcard(here, context):
    (here / "m0.box").write_text("3 4 10 10\n")
    refuse(context, ParameterError, "expected a wildcard", other("m0.box", "Particle coordinates (*.box, *_pick.star)"))


def test_one_mode_is_needed(context):
    with pytest.raises(ParameterError, match=r"exactly one of"):
        ImportFiles(i="x", odir="y/", ofile="z", do_other=True, do_movies=True).run(context)


def test_what_foreign_images_lack_is_said_when_they_come_in(here, particles):
    write_stack(here / "stack.mrcs", read_stack(here / "stack.mrcs") + 5, pixel_size=PIXEL_SIZE)
    context = Quiet(here)
    run(other("particles.star", "Particles STAR file (.star)"), context)
    (said,) = context.warnings
    assert "All images are not normalised: background mean 5" in said
