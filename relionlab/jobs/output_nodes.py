"""RELION_OUTPUT_NODES.star: how a program tells the pipeline of outputs whose number nobody knew before."""

from __future__ import annotations

from collections.abc import Sequence

from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.context import Context

PARTICLES, MICROGRAPHS = 3, 1
"""RELION 3.1's numbers of these kinds of files."""


def write_output_nodes(context: Context, folder: str, names: Sequence[str], *, kind: int) -> None:
    """Write the list of a job's outputs into its folder, as RELION 3.1 does.

    names  relative to the project
    kind   RELION 3.1's node number
    """
    columns = {"rlnPipeLineNodeName": list(names), "rlnPipeLineNodeType": [kind] * len(names)}
    write_star(context.path(f"{folder}/RELION_OUTPUT_NODES.star"), [Table(columns, name="output_nodes")])
