"""What the forms of InitialModel, Class3D and Refine3D do alike: their commands, and the findings in their values."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from relionlab.errors import ParameterError
from relionlab.jobs.base import Command, Node
from relionlab.jobs.options.compute import ComputeOptions
from relionlab.jobs.options.run_names import continued_root
from relionlab.jobs.options.running import RunningOptions
from relionlab.jobs.refinement.options import CtfOptions, InputOptions
from relionlab.jobs.refinement.options3d import PaddingOptions, ReferenceOptions


class FormOf3D(InputOptions, CtfOptions, PaddingOptions, ComputeOptions, RunningOptions):
    """The pages that all three forms have."""

    def refine_command(self, output: str, fresh: list[str], *, first: list[str] | None = None) -> Command:
        """Return the command ``relionlab refine`` of a form.

        fresh  flags that follow from the type of job, where it does not continue another
        first  flags that stand before all others, also when it continues
        """
        continued = bool(self.fn_cont)
        arguments = ["--o", f"{output}run", *(first or []), *self.flags(continued=continued)]
        arguments += ["--pad", self.padding()]
        if not continued:
            arguments += fresh
        if self.use_gpu and not self.gpu_ids:
            arguments += ["--gpu", ""]
        return Command("refine", tuple(arguments + shlex.split(self.other_args)))

    def padding(self) -> str:
        """Return the value of --pad."""
        return "1" if self.do_pad1 else "2"

    def result_root(self, output: str) -> str:
        """Return how the names of the results begin: "Class3D/job001/run", with _ctN where a job is continued."""
        root = continued_root(f"{output}run", self.fn_cont) if self.fn_cont else f"{output}run"
        return str(PurePosixPath(root))

    def input_problems(self) -> list[str]:
        """Return what is wrong with what goes in."""
        if self.fn_img or self.fn_cont:
            return []
        return ["Input images STAR file (fn_img) is empty: give a particles.star, or an optimiser to continue."]


class FormWithReference(ReferenceOptions, FormOf3D):
    """The pages of a form that begins with a map."""

    def reference_problems(self) -> list[str]:
        """Return what is wrong with the reference and its symmetry."""
        if self.fn_cont:
            return []
        found = symmetry_problems("Symmetry (sym_name)", self.sym_name)
        if self.fn_ref in ("", "None"):
            found.append(
                "Reference map (fn_ref) is empty: a 3D job needs a map to begin with. Make one with InitialModel, or import"
                " one."
            )
        return found


def symmetry_problems(called: str, name: str) -> list[str]:
    """Return what is wrong with the name of a point group."""
    from relionlab.engine.symmetry import point_group

    try:
        point_group(name)
    except ParameterError as error:
        return [f"{called}: {error}"]
    return []


def map_nodes(root: str, classes: int, kind: str) -> list[Node]:
    """Return the maps of the classes."""
    return [Node(f"{root}_class{number:03d}.mrc", kind) for number in range(1, classes + 1)]
