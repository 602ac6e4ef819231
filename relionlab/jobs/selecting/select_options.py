"""The parameters that the Select form and the class_selection program share."""

from __future__ import annotations

from typing import Annotated

from relionlab.params import Parameter, When

_MODEL = When("fn_model", "!=", "")
_RANKED = (_MODEL, When("do_class_ranker"))

Classes = Annotated[
    str,
    Parameter(
        label="Chosen classes",
        help="Numbers of the classes to keep, counted from 1, as 1,3,5-8. The gallery fills it in. For a list of"
        " micrographs or particles: the numbers of the rows to keep. Or a file with the column rlnSelected, a row for each:"
        " backup_selection.star of the job's own folder, which the gallery writes.",
        tab="Class options",
        key="classes",
        flag="--classes",
    ),
]
Ranked = Annotated[
    bool,
    Parameter(
        label="Choose classes by rank",
        help="Score each class average and keep those above the threshold, so that no one has to look. The score is made"
        " of occupancy, resolution, accuracy of alignment and the image itself (structure inside the mask against its"
        " rim); it is not RELION 4's neural network, and its threshold is its own. Look at the scores in"
        " class_scores.star.",
        tab="Class options",
        key="do_class_ranker",
        when=(_MODEL,),
    ),
]
RankThreshold = Annotated[
    float,
    Parameter(
        label="Score threshold",
        help="Classes with a score of at least this are kept: 0 keeps all, 0.5 drops what looks empty or broken, 0.7"
        " keeps the sharp ones.",
        tab="Class options",
        key="rank_threshold",
        flag="--rank_threshold",
        bounds=(0, 1),
        suggested=(0, 1, 0.05),
        when=_RANKED,
    ),
]
MinimumParticles = Annotated[
    int,
    Parameter(
        label="At least this many particles",
        help="Take further classes, best first, until this many particles are chosen; -1: the threshold alone decides.",
        tab="Class options",
        key="select_nr_parts",
        level="advanced",
        flag="--min_particles",
        when=_RANKED,
    ),
]
MinimumClasses = Annotated[
    int,
    Parameter(
        label="At least this many classes",
        help="Take further classes, best first, until this many are chosen; -1: the threshold alone decides.",
        tab="Class options",
        key="select_nr_classes",
        level="advanced",
        flag="--min_classes",
        when=_RANKED,
    ),
]
Recentre = Annotated[
    bool,
    Parameter(
        label="Recentre the class averages",
        help="Shift each chosen 2D average so that its centre of mass lies in the middle; good references for picking."
        " The particles are not changed.",
        tab="Class options",
        key="do_recenter",
        flag="--recenter",
        when=(_MODEL,),
    ),
]
Regroup = Annotated[
    bool,
    Parameter(
        label="Regroup the particles",
        help="Join micrographs of similar intensity scale into groups with enough particles for a noise estimate.",
        tab="Class options",
        key="do_regroup",
        when=(_MODEL,),
    ),
]
NumberOfGroups = Annotated[
    int,
    Parameter(
        label="Approximate number of groups",
        help="Into how many groups the micrographs are joined; aim at a hundred particles or more in each.",
        tab="Class options",
        key="nr_groups",
        wizard="groups",
        flag="--regroup",
        bounds=(0, None),
        suggested=(1, 50, 1),
        when=(_MODEL, When("do_regroup")),
    ),
]
MaximumPerClass = Annotated[
    int,
    Parameter(
        label="At most this many per class",
        help="Keep a random choice of this many particles of each class, so that frequent views do not drown the rare"
        " ones (useful for an initial model); -1: all.",
        tab="Class options",
        key="max_per_class",
        flag="--max_per_class",
        when=(_MODEL,),
    ),
]
RandomSeed = Annotated[
    int,
    Parameter(
        label="Random seed",
        help="Seed of the random choices; the same seed gives the same choice.",
        tab="Subsets",
        level="advanced",
        key="random_seed",
        flag="--random_seed",
        bounds=(0, None),
    ),
]
