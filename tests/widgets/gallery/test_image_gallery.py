"""The gallery of any images: what it reads, sends, chooses, opens and saves."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from relionlab.display.image_set import read_image_set
from relionlab.errors import InputError, ParameterError
from relionlab.io.images import read_stack, write_map
from relionlab.io.star import read_star
from relionlab.widgets import ImageGallery, look
from tests.linked_project import BOX, NAMES, make_project

MODEL = "Class2D/job003/run_it003_model.star"
PARTICLES = "Extract/job002/particles.star"
LIST = "CtfFind/job001/micrographs_ctf.star"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("gallery") / "project").directory


class Opened:
    """Remembers what was opened."""

    def __init__(self):
        self.titles, self.widgets = [], []

    def open(self, title, make):
        self.titles.append(title)
        self.widgets.append(make())
        return self.widgets[-1]


@pytest.fixture
def opener():
    return Opened()


def answers(gallery, start, stop):
    """What the page gets when it asks for these places, by the gallery's own thread."""
    sent, done = [], threading.Event()

    def send(content, buffers=None):
        sent.append((content, buffers))
        if content["kind"] == "done":
            done.set()

    gallery.grid.send = send
    epoch = gallery.grid.epoch
    gallery.grid._heard(None, {"kind": "want", "id": 1, "epoch": epoch, "from": start, "to": stop, "pixels": 64}, [])
    assert done.wait(20)
    return [pair for pair in sent if pair[0]["kind"] in ("tiles", "failed")]


def test_only_what_is_asked_for_is_read_and_sent(folder, monkeypatch):
    gallery = ImageGallery(folder / PARTICLES)
    read = []
    original = type(gallery.images).images
    monkeypatch.setattr(
        type(gallery.images), "images", lambda self, rows: read.append(len(rows)) or original(self, rows)
    )
    ((content, buffers),) = answers(gallery, 10, 15)
    assert read == [5]
    assert (content["from"], content["width"], content["height"]) == (10, BOX, BOX)
    assert content["lines"] == ["11", "12", "13", "14", "15"]
    assert len(buffers[0]) == 5 * BOX * BOX


def test_images_follow_the_order(folder):
    gallery = ImageGallery(folder / PARTICLES)
    gallery.sort("AutopickFigureOfMerit", descending=True)
    merit = gallery.images.table["rlnAutopickFigureOfMerit"]
    assert (np.diff(merit[gallery.choice.shown]) <= 0).all()
    gallery.show_below("rlnAutopickFigureOfMerit")
    ((content, _),) = answers(gallery, 0, 3)
    assert content["lines"][0] == f"{merit.max():.4g}"
    means = gallery.images.images(gallery.choice.shown[:3]).mean(axis=(1, 2))  # images of known mean: their number
    assert means == pytest.approx(gallery.choice.shown[:3], abs=0.2)


def test_the_controls_follow_what_is_done_in_python(folder):
    gallery = ImageGallery(folder / PARTICLES)
    gallery.sort("rlnDefocusU", descending=True)
    assert (gallery.bar.order.value, gallery.bar.down.value) == ("rlnDefocusU", True)
    gallery.look(view="flipped", sigma=2, low_pass=15)
    assert (gallery.bar.view.value, gallery.bar.sigma.value, gallery.bar.low_pass.value) == ("flipped", 2, 15)
    gallery.bar.order.value = "rlnCoordinateX"
    assert gallery.choice.sorted_by == "rlnCoordinateX"
    gallery.bar.low_pass.value = 0
    assert (gallery.grid.look.view, gallery.grid.look.low_pass) == ("flipped", 0)


def test_a_click_in_the_page_is_counted(folder):
    gallery = ImageGallery(folder / MODEL)
    at = {"kind": "choose", "from": 1, "to": 2, "on": True, "arranged": gallery.grid.arranged}
    gallery.grid._heard(None, at, [])
    assert gallery.selected.tolist() == [1, 2]
    assert "<b>2</b> of 4 classes" in gallery._count.value
    assert "<b>40</b> of 60 particles" in gallery._count.value
    gallery.sort("rlnClassDistribution")
    gallery.grid._heard(None, at, [])  # from the order before: not to be applied to this one
    assert gallery.selected.tolist() == [1, 2]


def test_keys_and_menu_do_what_they_say(folder):
    gallery = ImageGallery(folder / MODEL)
    gallery.do("above")
    assert "Click one first" in gallery.message.value
    gallery.grid.current = 1
    for name, rows in (
        ("above", [0, 1]),
        ("invert", [2, 3]),
        ("below", [1, 2, 3]),
        ("all", [0, 1, 2, 3]),
        ("none", []),
    ):
        gallery.do(name)
        assert gallery.selected.tolist() == rows
    assert {name for name, words in gallery.grid.menu if words} >= {
        "above",
        "below",
        "particles",
        "average",
        "metadata",
    }


def test_class_leads_to_particles_to_micrograph_to_class(folder, opener):
    classes = ImageGallery(folder / MODEL, opener=opener)
    classes.grid.current = 1
    classes.do("open")
    assert opener.titles == ["Particles of class 2 (20 particles)"]
    particles = opener.widgets[-1]
    assert particles.images.places.tolist() == list(range(1, 60, 3))
    particles.choice.look_at(8)  # row 25 of the file
    particles.do("micrograph")
    assert opener.titles[-1] == "Micrograph mic002.mrc and the particle"
    card = opener.widgets[-1]
    assert len(card.rows) == 20
    assert card.view.layers["looked at"].x.tolist() == [particles.images.table["rlnCoordinateX"][8]]
    card.view._answer(
        None, {"kind": "command", "name": "chosen", "x": card.x[3], "y": card.y[3], "layer": "particles"}, []
    )
    assert card.row == 23
    card.open_particle()
    assert opener.widgets[-1].images.places.tolist() == [23]
    particles.do("class")
    assert opener.titles[-1] == "Class 2 in job003"
    assert opener.widgets[-1].choice.current == 1
    particles.do("ctf")
    assert "12000" not in opener.widgets[-1].numbers()
    assert "15000" in opener.widgets[-1].numbers()


def test_micrograph_leads_to_particles(folder, opener):
    gallery = ImageGallery(folder / LIST, opener=opener)
    assert gallery.caption(0) == "mic001\n0.90 µm · fit to 4.0 Å"
    gallery.choice.look_at(2)
    gallery.do("particles")
    assert opener.widgets[-1].images.table["rlnMicrographName"].tolist() == [NAMES[2]] * 20


def test_average_and_deviation_are_those_of_the_chosen(folder, opener):
    gallery = ImageGallery(folder / PARTICLES, opener=opener)
    gallery.select([0, 10, 30])
    mean, deviation = gallery.images.mean_and_deviation(gallery.selected)
    images = gallery.images.images(np.array([0, 10, 30]))
    assert mean == pytest.approx(images.mean(axis=0), abs=1e-4)
    assert deviation == pytest.approx(images.std(axis=0), abs=1e-3)
    gallery.do("average")
    assert opener.titles == ["Average of 3 particles"]
    assert opener.widgets[0].value.count("<img") == 3


def test_a_part_of_a_list_is_saved_by_its_rows_in_the_list(folder):
    part = read_image_set(folder / PARTICLES).rows(np.arange(40, 60))
    gallery = ImageGallery(part)
    gallery.select([2, 5])
    job = gallery.save()
    assert job.wait() == "finished", job.message
    names = read_star(folder / PARTICLES)["particles"]["rlnImageName"]
    assert read_star(job.path / "particles.star")["particles"]["rlnImageName"].tolist() == [names[42], names[45]]
    assert "Chosen in the gallery:\n- chose 2 rows" in job.notes()


def test_the_table_of_a_gallery_leads_on_and_keeps_its_optics(folder, opener, tmp_path):
    gallery = ImageGallery(folder / PARTICLES, opener=opener)
    view = gallery.table()
    gallery.choice.look_at(45)
    view._links.children[1].click()
    assert opener.titles[-1] == "CTF of mic003.mrc"
    view.select_where("DefocusU < 10000")
    assert gallery.choice.count == 20
    assert "optics" in read_star(view.save(tmp_path / "some.star"))


def test_particles_of_all_chosen_classes(folder, opener):
    gallery = ImageGallery(folder / MODEL, opener=opener)
    gallery.do("kept")
    assert "No class is chosen" in gallery.message.value
    gallery.select([0, 2])
    gallery.do("kept")
    assert opener.titles == ["Particles of classes 1,3 (40 particles)"]


def test_views_need_what_they_show(folder):
    gallery = ImageGallery(folder / PARTICLES)
    flat = answers(gallery, 0, 2)[0][1][0]
    gallery.look(view="multiplied")
    assert answers(gallery, 0, 2)[0][1][0] != flat
    with pytest.raises(ParameterError, match="CTF of these images is not known"):
        ImageGallery(folder / MODEL).look(view="flipped")


def test_a_damaged_image_is_said_in_its_place(folder, tmp_path):
    stack = tmp_path / "broken.mrcs"
    stack.write_bytes((folder / "Extract/job002/Micrographs/mic001.mrcs").read_bytes())
    gallery = ImageGallery(stack)
    stack.write_bytes(stack.read_bytes()[:5000])
    ((content, _),) = answers(gallery, 0, 3)
    assert content["kind"] == "failed"
    assert "ends earlier" in content["text"] or "cut off" in content["text"]


def test_stacks_and_folders(folder, tmp_path):
    stack = read_image_set(folder / "Extract/job002/Micrographs/mic002.mrcs")
    assert (stack.kind, len(stack), stack.pixel_size(0)) == ("images", 20, 3.0)
    assert stack.images(np.array([3]))[0] == pytest.approx(read_stack(stack.source, [3])[0])
    assert len(read_image_set(folder / "Micrographs")) == 3
    with pytest.raises(InputError, match="holds no images"):
        read_image_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (MODEL, "ImageGallery"),
        ("Class2D/job003", "ImageGallery"),
        ("Extract/job002", "ImageGallery"),
        ("Extract/job002/Micrographs/mic002.mrcs", "ImageGallery"),
        (NAMES[0], "ImageTools"),
        ("Class2D/job003/run_it003_optimiser.star", "StarView"),
        ("default_pipeline.star", "StarView"),
    ],
)
def test_look_finds_the_viewer_that_fits(folder, name, kind):
    assert type(look(folder / name)).__name__ == kind


def test_look_shows_maps_as_slices(tmp_path):
    write_map(tmp_path / "map.mrc", np.random.default_rng(1).normal(size=(16, 16, 16)), pixel_size=3.0)
    assert type(look(tmp_path / "map.mrc")).__name__ == "SliceView"
    with pytest.raises(InputError, match="does not exist"):
        look(tmp_path / "none.mrc")
