"""Files <-> tables and arrays; no mathematics.

STAR files (`star`, `table`, `labels`), the tables of particles, micrographs and movies (`particles`), images in
MRC, SPIDER and IMAGIC form (`images`, `image_names`), movies frame by frame in MRC, TIFF and EER form (`movies`,
`tiff`, `eer`), gain references and defects (`gain`), MTFs of detectors (`detectors`). Every file that is written appears at once and whole
(`atomic`). Nothing here imports the engine.
"""
