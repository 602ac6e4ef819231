"""Select: keep the good classes, or particles and micrographs by their values; split lists and remove duplicates."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.options.running import QueueOptions
from relionlab.jobs.selecting import select_options as options
from relionlab.params import Dialect, Parameter, When

_PARTICLES = "ParticleGroupMetadata.star.relion"
_MICROGRAPHS = "MicrographGroupMetadata.star.relion"
_OURS = ("classes", "max_per_class", "random_seed")
_SINCE_4 = ("do_class_ranker", "rank_threshold", "select_nr_parts", "select_nr_classes")


def _subset(label: str, help: str, key: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    return Parameter(label=label, help=help, tab="Subsets", key=key, **more)


class Select(Job, QueueOptions):
    """Keep a subset of classes, particles or micrographs.

    Give one input. From a model, classes are chosen by number or by rank. From particles or micrographs, rows are
    chosen by a range of values, by image statistics or by number, the list is split, or duplicates are removed.
    """

    type_label: ClassVar[str] = "relion.select"
    type_number: ClassVar[int] = 7
    folder: ClassVar[str] = "Select"
    title: ClassVar[str] = "Subset selection"

    fn_model: Annotated[
        str,
        Parameter(
            label="Classes from model or optimiser",
            help="The model or optimiser file of a classification: run_it025_model.star of RELION 3.1,"
            " run_it025_optimiser.star of later ones.",
            tab="I/O",
            key="fn_model",
            node="OptimiserData.star.relion",
            pattern="*.star",
        ),
    ] = ""
    fn_mic: Annotated[
        str,
        Parameter(
            label="Or micrographs",
            help="List of micrographs.",
            tab="I/O",
            key="fn_mic",
            node=_MICROGRAPHS,
            pattern="*.star",
        ),
    ] = ""
    fn_data: Annotated[
        str,
        Parameter(
            label="Or particles",
            help="List of particles.",
            tab="I/O",
            key="fn_data",
            node=_PARTICLES,
            pattern="*.star",
        ),
    ] = ""
    fn_coords: Annotated[
        str,
        Parameter(
            label="Or picked coordinates",
            help="RELION 3.1 chooses micrographs by their picks with this; here choose them from the list of"
            " micrographs. Kept so that such jobs can be opened.",
            tab="I/O",
            level="advanced",
            key={"3.1": "fn_coords"},
            node="MicrographCoordsGroup.star.relion",
            pattern="coords_suffix*.star",
        ),
    ] = ""

    classes: options.Classes = ""
    do_class_ranker: options.Ranked = False
    rank_threshold: options.RankThreshold = 0.5
    select_nr_parts: options.MinimumParticles = -1
    select_nr_classes: options.MinimumClasses = -1
    do_recenter: options.Recentre = True  # RELION 5: No
    do_regroup: options.Regroup = False
    nr_groups: options.NumberOfGroups = 1
    max_per_class: options.MaximumPerClass = -1

    do_select_values: Annotated[
        bool, _subset("Select by value", "Keep rows whose value in one column lies in a range.", "do_select_values")
    ] = False
    select_label: Annotated[
        str,
        _subset(
            "Column",
            "Label of the column, as rlnCtfMaxResolution (RELION 3.0: rlnCtfFigureOfMerit).",
            "select_label",
            wizard="values",
            when=(When("do_select_values"),),
            flag="--select",
        ),
    ] = "rlnCtfMaxResolution"
    select_minval: Annotated[
        float,
        _subset(
            "Smallest value",
            "Rows below are dropped; this value itself is kept.",
            "select_minval",
            wizard="values",
            when=(When("do_select_values"),),
            flag="--minval",
        ),
    ] = -9999.0
    select_maxval: Annotated[
        float,
        _subset(
            "Largest value",
            "Rows above are dropped; this value itself is kept.",
            "select_maxval",
            wizard="values",
            when=(When("do_select_values"),),
            flag="--maxval",
        ),
    ] = 9999.0
    do_discard: Annotated[
        bool,
        _subset(
            "Discard on image statistics",
            "Drop images whose mean or standard deviation is far from that of all: carbon, edges, broken images.",
            "do_discard",
            level="advanced",
            flag="--discard_on_stats",
        ),
    ] = False
    discard_label: Annotated[
        str,
        _subset(
            "Image column",
            "Column that names the images: rlnImageName for particles, rlnMicrographName for micrographs.",
            "discard_label",
            level="advanced",
            when=(When("do_discard"),),
            flag="--discard_label",
        ),
    ] = "rlnImageName"
    discard_sigma: Annotated[
        float,
        _subset(
            "Deviations",
            "How many standard deviations from the mean is far.",
            "discard_sigma",
            level="advanced",
            unit="σ",
            bounds=(0, None),
            suggested=(1, 10, 0.1),
            when=(When("do_discard"),),
            flag="--discard_sigma",
        ),
    ] = 4
    do_split: Annotated[
        bool, _subset("Split into subsets", "Cut the list into several files.", "do_split", flag="--split")
    ] = False
    do_random: Annotated[
        bool,
        _subset(
            "Randomise the order",
            "Shuffle before cutting.",
            "do_random",
            when=(When("do_split"),),
            flag="--random_order",
        ),
    ] = False
    split_size: Annotated[
        int,
        _subset(
            "Subset size",
            "Rows per subset; -1 with a number of subsets makes equal parts.",
            "split_size",
            unit="rows",
            suggested=(100, 10000, 100),
            when=(When("do_split"),),
            flag="--size_split",
        ),
    ] = 100
    nr_split: Annotated[
        int,
        _subset(
            "Number of subsets",
            "-1: as many as it takes. With a size too, only so many subsets of that size are made.",
            "nr_split",
            suggested=(1, 50, 1),
            when=(When("do_split"),),
            flag="--nr_split",
        ),
    ] = -1
    random_seed: options.RandomSeed = 0
    do_remove_duplicates: Annotated[
        bool,
        Parameter(
            label="Remove duplicates",
            help="Drop particles that have come to lie on another one of the same micrograph.",
            tab="Duplicates",
            key="do_remove_duplicates",
        ),
    ] = False
    duplicate_threshold: Annotated[
        float,
        Parameter(
            label="Smallest distance",
            help="Closer than this counts as the same particle; about half its diameter is safe.",
            tab="Duplicates",
            unit="Å",
            key="duplicate_threshold",
            flag="--remove_duplicates",
            bounds=(0, None),
            suggested=(0, 1000, 1),
            when=(When("do_remove_duplicates"),),
        ),
    ] = 30
    image_angpix: Annotated[
        float,
        Parameter(
            label="Pixel size before extraction",
            help="Pixel size of the micrographs, if the particles were down-sampled; -1 takes the particles' own.",
            tab="Duplicates",
            unit="Å",
            key="image_angpix",
            flag="--image_angpix",
            suggested=(-1, 10, 0.01),
            when=(When("do_remove_duplicates"),),
        ),
    ] = -1
    do_filaments: Annotated[
        bool,
        Parameter(
            label="Filaments by dendrogram",
            help="RELION 5's selection of filament types. Kept; relionlab cannot run it yet.",
            tab="Filaments",
            level="developer",
            key={"5": "do_filaments"},
        ),
    ] = False
    dendrogram_threshold: Annotated[
        float,
        Parameter(
            label="Dendrogram threshold",
            help="Height at which the tree is cut.",
            tab="Filaments",
            level="developer",
            key={"5": "dendrogram_threshold"},
            when=(When("do_filaments"),),
        ),
    ] = 0.85
    dendrogram_minclass: Annotated[
        int,
        Parameter(
            label="Smallest filament class",
            help="Groups of fewer filaments are left out.",
            tab="Filaments",
            level="developer",
            key={"5": "dendrogram_minclass"},
            when=(When("do_filaments"),),
        ),
    ] = -1000

    def label(self) -> str:
        """Return RELION 4's label, which tells how the subset is chosen."""
        kinds = {
            "do_remove_duplicates": "removeduplicates",
            "do_select_values": "onvalue",
            "do_discard": "discard",
            "do_split": "split",
            "do_class_ranker": "class2dauto",
            "do_filaments": "filamentsdendrogram",
        }
        return f"{self.type_label}.{next((kinds[name] for name in kinds if getattr(self, name)), 'interactive')}"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        inputs = [name for name in ("fn_model", "fn_mic", "fn_data", "fn_coords") if getattr(self, name)]
        if len(inputs) != 1:
            found.append(f"Give one input: a model, micrographs or particles; got {', '.join(inputs) or 'none'}.")
        asked = [name for name in _SUBSETS if getattr(self, name)]
        if self.fn_model and asked:
            found.append(f"{asked[0]} works on particles or micrographs: give fn_data or fn_mic instead of fn_model.")
        if self.fn_model and not (self.classes or self.do_class_ranker):
            found.append("Choose classes: by number (classes='1,3,5'), or by rank (do_class_ranker=True).")
        if not self.fn_model and inputs and len(asked) + bool(self.classes) != 1:
            found.append(
                "Choose one way to select: by value, on statistics, split, remove duplicates, or rows by number"
                f" (classes); got {', '.join(asked) or 'none'}."
            )
        if self.fn_coords or self.do_filaments:
            found.append("relionlab cannot select by coordinates or filaments yet: use the micrographs, or RELION.")
        if self.do_select_values and self.select_minval > self.select_maxval:
            found.append(
                f"{self.called('select_minval')} is {self.select_minval:g}, above the largest, {self.select_maxval:g}: exchange them."
            )
        if self.do_remove_duplicates and self.fn_mic:
            found.append("Duplicates are particles: give fn_data instead of fn_mic.")
        if self.do_split and self.split_size < 1 and self.nr_split < 1:
            found.append("To split, give the subset size (split_size), the number of subsets (nr_split), or both.")
        return found

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables; those that RELION of this dialect does not know only where they are set."""
        written = super().job_options(dialect)
        for name in (*_OURS, *(_SINCE_4 if dialect == "3.1" else ())):
            if getattr(self, name) == self.default(name):
                written.pop(str(self.parameters()[name].key), None)
        return written

    def outputs(self, output: str) -> list[Node]:
        """Return the lists that the job makes; how many a split by size makes shows only when it has run."""
        if self.fn_model:
            return [
                Node(output + "particles.star", _PARTICLES),
                Node(output + "class_averages.star", "Image2DGroupMetadata.star.relion.classaverages"),
            ]
        name, kind = ("micrographs", _MICROGRAPHS) if self.fn_mic else ("particles", _PARTICLES)
        if not self.do_split:
            return [Node(f"{output}{name}.star", kind)]
        return [Node(f"{output}{name}_split{part}.star", kind) for part in range(1, self.nr_split + 1)]

    def commands(self, output: str) -> list[Command]:
        """Return the one program that does the selection."""
        arguments = (*self.flags(), *shlex.split(self.other_args))
        if self.fn_model:
            return [Command("class_selection", ("--i", self.fn_model, "--o", output, *arguments))]
        source, name = (self.fn_mic, "micrographs") if self.fn_mic else (self.fn_data, "particles")
        place = ("--i", source, "--o", f"{output}{name}.star")
        return [Command("class_selection" if self.classes else "star_handler", (*place, *arguments))]

    def inputs(self) -> list[Node]:
        """Return the one input; RELION 3.1 and later ones name a classification by different files."""
        found = super().inputs()
        return [
            Node(node.path, "ModelData.star.relion") if node.path.endswith("_model.star") else node for node in found
        ]


_SUBSETS = ("do_select_values", "do_discard", "do_split", "do_remove_duplicates")
