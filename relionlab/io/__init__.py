"""Files <-> tables and arrays; no mathematics.

STAR files (`star`, `table`, `labels`), the tables of particles, micrographs and movies (`particles`), and images in
MRC, SPIDER and IMAGIC form (`images`, `image_names`). Every file that is written appears at once and whole
(`atomic`). Nothing here imports the engine.
"""
