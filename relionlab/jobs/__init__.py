"""Job types and drop-in programs: one file each, with parameters, inputs, outputs and recipe.

``registry`` says which there are, ``job_star`` reads and writes their parameters as RELION does.
"""
