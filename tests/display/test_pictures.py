"""Every picture is drawn by Bokeh and by Matplotlib from one description, with axes and units."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bokeh.models import DataTable, Legend, LinearAxis
from bokeh.models.glyphs import Image

from relionlab import display
from relionlab.errors import InputError, StarError
from relionlab.io.images import write_map, write_stack
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

PICTURES = {
    "class_averages": display.class_averages,
    "class_table": display.class_table,
    "convergence": display.convergence,
    "class_sizes": display.class_sizes,
    "resolution_course": display.resolution_course,
    "class_spectra": display.class_spectra,
    "distributions": display.distributions,
    "particle_montage": lambda d: display.particle_montage(d / "run_it002_data.star", count=5, low_pass=20),
    "star_table": lambda d: display.star_table(d / "run_it002_data.star"),
}


@pytest.fixture
def directory(class2d_directory, monkeypatch):
    monkeypatch.chdir(class2d_directory.parents[1])
    return class2d_directory


@pytest.mark.parametrize("name", PICTURES)
def test_both_backends_draw_it(name, directory):
    picture = PICTURES[name](directory)
    assert picture.title
    assert picture.caption.endswith(".")
    assert display.to_bokeh(picture) is not None
    assert display.to_png(picture, dpi=50).startswith(b"\x89PNG")


def test_axes_carry_units(directory):
    model = display.to_bokeh(display.convergence(directory))
    labels = {axis.axis_label for axis in model.select({"type": LinearAxis})}
    assert {"Iteration", "Resolution (Å)", "Share of particles (%)", "Mean change (°)", "Mean change (Å)"} <= labels


def test_gallery_is_ordered_and_captioned(directory):
    averages = display.read_class_averages(directory)
    picture = display.class_averages(averages, by="resolution")
    texts = picture.description.Labels.I.dimension_values("text")
    assert texts[0] == "1 · 24\n40.0 % · 12.0 Å"
    assert texts[-1] == "6 · 0\n0.0 %"  # an empty class tells no resolution
    assert "Box 24 px = 96 Å" in picture.caption


def test_gallery_images_travel_as_bytes(directory):
    """One byte per pixel, or the page of a hundred classes becomes heavy."""
    model = display.to_bokeh(display.class_averages(directory))
    source = next(r.data_source for r in model.renderers if isinstance(r.glyph, Image))
    assert source.data["image"][0].dtype == np.uint8


def test_class_without_particles_hides_no_other(directory):
    spectra = display.class_spectra(directory, most=2)
    assert "2 largest" in spectra.caption


def test_page_needs_no_network(directory, tmp_path):
    pictures = [display.class_averages(directory), display.convergence(directory)]
    page = display.to_html(pictures, tmp_path / "page.html", title="Two")
    assert (tmp_path / "page.html").read_text() == page
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]+"', without_scripts)
    assert not re.findall(r"<script[^>]*\bsrc=", re.sub(r"(?<=>).*?(?=</script>)", "", page, flags=re.DOTALL))
    assert page.count("<h2>") == 2


def test_pdf_has_a_page_per_picture(directory):
    pictures = [display.class_averages(directory), display.class_table(directory)]
    content = display.to_pdf(pictures)
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 2


def test_logfile(directory):
    path = display.write_logfile(directory)
    assert path == directory / "logfile.pdf"
    assert path.stat().st_size > 10_000
    assert len(display.pictures(directory)) == 5


def test_logfile_of_a_job_with_nothing_to_draw(tmp_path):
    assert display.write_logfile(tmp_path) is None


def test_save_goes_by_suffix(directory, tmp_path):
    picture = display.resolution_course(directory)
    for suffix in (".html", ".pdf", ".png"):
        assert picture.save(tmp_path / f"a{suffix}").stat().st_size > 1000
    with pytest.raises(InputError, match=r"\.html, \.pdf, \.png"):
        picture.save(tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("", "Class averages after iteration 2"),
        ("run_it001_model.star", "Class averages after iteration 1"),
        ("run_it002_data.star", "Table particles"),
        ("run_it002_optimiser.star", "Table optimiser_general"),
        ("run_it002_classes.mrcs", "run_it002_classes.mrcs"),
    ],
)
def test_show_chooses_by_what_the_file_holds(directory, name, title):
    assert display.show(directory / name).title == title


def test_show_map_image_and_stack(tmp_path):
    rng = np.random.default_rng(1)
    write_map(tmp_path / "map.mrc", rng.normal(size=(12, 12, 12)).astype(np.float32), pixel_size=2.0)
    assert "12 × 12 × 12 voxels (z, y, x) at 2 Å" in display.show(tmp_path / "map.mrc").caption
    write_stack(tmp_path / "s.mrcs", rng.normal(size=(5, 8, 8)).astype(np.float32), pixel_size=2.0)
    assert display.show(tmp_path / "s.mrcs").caption.startswith("5 of 5 images")
    with pytest.raises(InputError, match="does not exist"):
        display.show(tmp_path / "nothing.mrc")


def test_star_table_has_units_and_rows(directory):
    table = read_star(directory / "run_it002_data.star")["particles"]
    model = display.to_bokeh(display.star_table(table, most=10))
    shown = model if isinstance(model, DataTable) else next(iter(model.select({"type": DataTable})))
    titles = [column.title for column in shown.columns]
    assert "DefocusU (Å)" in titles
    assert len(next(iter(shown.source.data.values()))) == 10
    widths = {column.title: column.width for column in shown.columns}
    assert widths["ImageName"] > 2 * widths["ClassNumber"]  # as wide as what stands in them
    assert shown.width <= 950  # beside the list of jobs


def test_star_table_names_the_tables_that_there_are(directory):
    with pytest.raises(StarError, match="'optics', 'particles'"):
        display.star_table(directory / "run_it002_data.star", name="movies")


@pytest.mark.parametrize("step", [1.5, 6.0, 7.5])
def test_angles_of_a_search_grid_show_no_preference_of_their_own(step):
    psi = np.tile(np.arange(-177.3, 180, step), 20)
    [panel] = list(display.distributions(Table({"rlnAnglePsi": psi}, "particles")).description)
    counts = panel.dimension_values("particles")
    assert np.ptp(counts[:-1]) == 0  # the last bar may be half full
    assert 20 < len(counts) < 80
    assert counts.sum() == len(psi)


def test_histogram_of_what_is_not_on_a_grid_spans_its_values():
    values = np.random.default_rng(0).normal(size=500)
    [panel] = list(display.distributions(Table({"rlnNormCorrection": values}, "particles")).description)
    assert panel.dimension_values("particles").sum() == 500
    assert panel.range("norm") == pytest.approx((values.min(), values.max()))


def test_legend_of_the_class_sizes_covers_no_line(directory):
    model = display.to_bokeh(display.class_sizes(directory))
    assert [legend for legend in model.center if isinstance(legend, Legend)] == []
    assert [legend for legend in model.right if isinstance(legend, Legend)]


def test_distributions_of_a_table_without_known_columns():
    with pytest.raises(StarError, match="rlnImageName"):
        display.distributions(Table({"rlnImageName": ["1@a.mrcs"]}, "particles"))


def test_fsc_says_where_it_crosses(tmp_path):
    frequency = np.linspace(0, 0.2, 21)
    values = np.clip(0.99 - 5 * frequency, 0, 1)  # falls below 0.143 at 0.169 / Å: the shell before is at 0.16
    columns = {"rlnResolution": frequency, "rlnFourierShellCorrelationCorrected": values}
    write_star(tmp_path / "postprocess.star", [Table(columns, "fsc")])
    assert "6.25 Å at 0.143, 11.11 Å at 0.5." in display.show(tmp_path / "postprocess.star").caption


def test_curves_of_a_correlation_do_not_run_under_the_legend():
    frequency = np.linspace(0, 0.2, 21)
    columns = {"rlnResolution": frequency, "rlnFourierShellCorrelationCorrected": np.exp(-20 * frequency)}
    columns["rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps"] = np.exp(-90 * frequency)
    model = display.to_bokeh(display.fsc(Table(columns, "fsc")))
    assert [legend for legend in model.center if isinstance(legend, Legend)] == []
    assert [legend.location for legend in model.right if isinstance(legend, Legend)] == ["top"]


def test_the_curve_that_tells_the_resolution_is_seen_under_another():
    frequency = np.linspace(0, 0.2, 21)
    same = {f"rlnFourierShellCorrelation{kind}": np.exp(-9 * frequency) for kind in ("Corrected", "MaskedMaps")}
    model = display.to_bokeh(display.fsc(Table({"rlnResolution": frequency, **same}, "fsc")))
    widths = [renderer.glyph.line_width for renderer in model.renderers]  # drawn in this order
    assert widths[0] > widths[1]


def write_local_resolution(directory):
    """Write what a LocalRes job with a mask leaves: within a ball there are 8 Å, around it 20 Å."""
    z, y, x = np.mgrid[:16, :16, :16] - 8
    ball = (x**2 + y**2 + z**2 < 36).astype(np.float32)
    directory.mkdir()
    write_map(directory / "mask.mrc", ball, pixel_size=4.0)
    write_map(directory / "relion_locres.mrc", np.where(ball > 0, 8, 20).astype(np.float32), pixel_size=4.0)
    write_map(
        directory / "relion_locres_filtered.mrc", np.exp(-(x**2 + y**2 + z**2) / 20).astype(np.float32), pixel_size=4.0
    )
    (directory / "relion_locres_mask.txt").write_text("mask.mrc\n")
    return directory


def test_local_resolution_is_coloured_within_the_jobs_mask(tmp_path):
    directory = write_local_resolution(tmp_path / "job001")
    caption = display.show(directory / "relion_locres.mrc").caption
    assert "colour is the local resolution within the mask" in caption
    (directory / "relion_locres_mask.txt").unlink()
    assert "where the map is dense" in display.show(directory / "relion_locres.mrc").caption


def test_a_mask_says_what_is_white(tmp_path):
    directory = write_local_resolution(tmp_path / "job001")
    for path in directory.glob("relion*"):
        path.unlink()
    assert display.show(directory).title == "Mask"
    assert "White is the particle" in display.show(directory).caption


def test_fsc_of_a_file_without_one(directory):
    with pytest.raises(StarError, match="no Fourier shell correlation"):
        display.fsc(directory / "run_it002_data.star")


def test_unfinished_course_is_drawn(directory):
    """In the first second of a job only the starting references are there."""
    for path in directory.glob("run_it00[12]*"):
        path.unlink()
    picture = display.resolution_course(directory)
    assert len(display.to_bokeh(picture).renderers) > 0
    assert display.to_png(display.changes(directory))


def test_real_relion_5_job_draws(shared_data):
    directory = shared_data / "empiar10204_betagal_relion5" / "Class2D" / "job010"
    assert "50 classes" in display.class_averages(directory).caption
    assert display.to_png(display.class_spectra(directory), dpi=50)


def test_map_surface_keeps_the_default_representation():
    """A surface added after defaultRepresentation=False stays blank in nglview 4.0: the default one is changed."""
    z, y, x = np.mgrid[:16, :16, :16] - 8
    shown = display.show_map(np.exp(-(x**2 + y**2 + z**2) / 10.0), pixel_size=2.0)
    told, view = shown.children
    assert "2 % of the box of 32 Å" in told.value
    assert view is shown.view
    asked = [message["methodName"] for message in view._ngl_msg_archive]
    assert asked[:2] == ["loadFile", "updateRepresentationsByName"]
    assert view._ngl_msg_archive[0]["kwargs"].get("defaultRepresentation") is not False
