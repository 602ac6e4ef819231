"""JoinStar: join up to four lists of particles, micrographs or movies into one."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.options.running import QueueOptions
from relionlab.params import Parameter, When

_KINDS: dict[str, tuple[str, str, str, str]] = {
    "part": ("particle", "ParticleGroupMetadata.star.relion", "rlnImageName", "join_particles.star"),
    "mic": ("micrograph", "MicrographGroupMetadata.star.relion", "rlnMicrographName", "join_mics.star"),
    "mov": ("movie", "MicrographMovieGroupMetadata.star.relion", "rlnMicrographMovieName", "join_movies.star"),
}
"""Kind -> its word, RELION 4's node label, the column that must not repeat, the output."""


def _switch(kind: str) -> Parameter:
    word = _KINDS[kind][0]
    return Parameter(
        label=f"Combine {word} STAR files?",
        help=f"Join lists of {word}s. Optics groups are told apart by their names: give different sessions different ones.",
        tab=f"{word}s",
        key=f"do_{kind}",
    )


def _file(kind: str, number: int) -> Parameter:
    word, node, _, _ = _KINDS[kind]
    more: dict[str, Any] = {"required": number <= 2}
    return Parameter(
        label=f"{word.capitalize()} STAR file {number}",
        help=f"One of the lists of {word}s to join{'' if number <= 2 else '; empty if there are fewer'}.",
        tab=f"{word}s",
        key=f"fn_{kind}{number}",
        node=node,
        pattern="*.star",
        when=(When(f"do_{kind}"),),
        **more,
    )


class JoinStar(Job, QueueOptions):
    """Join lists of one kind below each other; optics groups stay apart by name, and repeated entries are told."""

    type_label: ClassVar[str] = "relion.joinstar"
    type_number: ClassVar[int] = 13
    folder: ClassVar[str] = "JoinStar"
    title: ClassVar[str] = "Join star files"

    do_part: Annotated[bool, _switch("part")] = False
    fn_part1: Annotated[str, _file("part", 1)] = ""
    fn_part2: Annotated[str, _file("part", 2)] = ""
    fn_part3: Annotated[str, _file("part", 3)] = ""
    fn_part4: Annotated[str, _file("part", 4)] = ""
    do_mic: Annotated[bool, _switch("mic")] = False
    fn_mic1: Annotated[str, _file("mic", 1)] = ""
    fn_mic2: Annotated[str, _file("mic", 2)] = ""
    fn_mic3: Annotated[str, _file("mic", 3)] = ""
    fn_mic4: Annotated[str, _file("mic", 4)] = ""
    do_mov: Annotated[bool, _switch("mov")] = False
    fn_mov1: Annotated[str, _file("mov", 1)] = ""
    fn_mov2: Annotated[str, _file("mov", 2)] = ""
    fn_mov3: Annotated[str, _file("mov", 3)] = ""
    fn_mov4: Annotated[str, _file("mov", 4)] = ""

    def label(self) -> str:
        """Return RELION 4's label, which tells the kind."""
        words = {"part": "particles", "mic": "micrographs", "mov": "movies"}
        return f"{self.type_label}.{words[self._kind()]}"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        chosen = [kind for kind in _KINDS if getattr(self, f"do_{kind}")]
        if len(chosen) != 1:
            found.append(
                f"Join one kind of list at a time (do_part, do_mic or do_mov); got {', '.join(f'do_{kind}' for kind in chosen) or 'none'}."
            )
            return found
        files = self._files()
        repeated = {name for name in files if files.count(name) > 1}
        if repeated:
            found.append(f"{', '.join(sorted(repeated))} is given twice: every entry would be there twice.")
        found += [
            f"{name} has a blank in its name, at which lists are told apart: rename it."
            for name in files
            if " " in name
        ]
        return found

    def outputs(self, output: str) -> list[Node]:
        """Return the joined list."""
        _, node, _, name = _KINDS[self._kind()]
        return [Node(output + name, node)]

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``star_handler``."""
        _, _, column, name = _KINDS[self._kind()]
        arguments = ("--combine", "--i", " ".join(self._files()), "--check_duplicates", column, "--o", output + name)
        return [Command("star_handler", (*arguments, *shlex.split(self.other_args)))]

    def _kind(self) -> str:
        return next((kind for kind in _KINDS if getattr(self, f"do_{kind}")), "part")

    def _files(self) -> list[str]:
        names = [getattr(self, f"fn_{self._kind()}{number}") for number in range(1, 5)]
        return [name for name in names if name]
