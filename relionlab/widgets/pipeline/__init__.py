"""The jobs of a project: list, graph, page of one job, comparisons and sweeps."""
