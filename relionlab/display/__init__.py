"""Results to pictures: each function takes a result, or the file that holds it, and returns a :class:`Picture`.

A picture is described once, in HoloViews; Bokeh draws it in the page and Matplotlib in the PDF. Nothing here has
buttons, runs jobs or changes files other than the ones it is asked to draw into. HoloViews is loaded by the first picture, not by the import.
"""

from __future__ import annotations

from relionlab.display.class_averages import class_averages, class_table
from relionlab.display.convergence import changes, class_sizes, convergence, likelihood, resolution_course
from relionlab.display.convergence3d import convergence3d
from relionlab.display.detectors import detector_mtfs
from relionlab.display.distributions import distributions
from relionlab.display.fsc_course import fsc_course
from relionlab.display.guinier import guinier
from relionlab.display.local_resolution import local_resolution_histogram, local_resolution_slices
from relionlab.display.logfile import pictures, write_logfile
from relionlab.display.maps import ortho_slices, show_map
from relionlab.display.orientations import angular_distribution, orientation_completeness
from relionlab.display.particles import image_sheet, particle_montage, stack_gallery
from relionlab.display.picks import merit_histogram, micrograph_with_picks, picking_pictures, picks_per_micrograph
from relionlab.display.picture import Picture
from relionlab.display.reference_maps import reference_maps
from relionlab.display.render import to_bokeh, to_html, to_pdf, to_png
from relionlab.display.results import ClassAverages, Course, read_class_averages, read_course
from relionlab.display.show import show
from relionlab.display.spectra import class_spectra, fsc
from relionlab.display.tables import star_table
from relionlab.display.thon import compare_ctf, ctf_overview, ctf_pictures, ctf_profile, ctf_profiles, thon_rings
from relionlab.display.verdict import verdict_picture
from relionlab.display.view_pairs import view_pairs, view_table

__all__ = [
    "ClassAverages",
    "Course",
    "Picture",
    "angular_distribution",
    "changes",
    "class_averages",
    "class_sizes",
    "class_spectra",
    "class_table",
    "compare_ctf",
    "convergence",
    "convergence3d",
    "ctf_overview",
    "ctf_pictures",
    "ctf_profile",
    "ctf_profiles",
    "detector_mtfs",
    "distributions",
    "fsc",
    "fsc_course",
    "guinier",
    "image_sheet",
    "likelihood",
    "local_resolution_histogram",
    "local_resolution_slices",
    "merit_histogram",
    "micrograph_with_picks",
    "orientation_completeness",
    "ortho_slices",
    "particle_montage",
    "picking_pictures",
    "picks_per_micrograph",
    "pictures",
    "read_class_averages",
    "read_course",
    "reference_maps",
    "resolution_course",
    "show",
    "show_map",
    "stack_gallery",
    "star_table",
    "thon_rings",
    "to_bokeh",
    "to_html",
    "to_pdf",
    "to_png",
    "verdict_picture",
    "view_pairs",
    "view_table",
    "write_logfile",
]
