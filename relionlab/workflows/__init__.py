"""Recipes over jobs: several jobs of a project one after the other, watched, resumed and summed up; and what jobs came to.

    from relionlab.workflows.outcome import outcome          # what came out of a job, whether it is good, and why
    from relionlab.workflows.next_jobs import next_jobs      # the jobs that usually follow it, filled in
    from relionlab.workflows.cost import estimate            # minutes, memory and disk of a job before it runs
    from relionlab.workflows.tuning import tune              # thresholds of picking, tried on a few micrographs
    from relionlab.workflows.rebin import rebin              # particles extracted anew at finer and finer binning
    from relionlab.workflows.seeds import classes_from_consensus
    from relionlab.workflows.model_views import model_views  # a map's projections beside class averages

``tutorial`` goes from movies, or particles, to a page that shows every stage: its ``movie_course`` from movies, ``movie_page``
shows it. A recipe makes jobs and reads what they left; whatever computes belongs into a job or into the engine.
"""
