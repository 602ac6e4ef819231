"""Recipes over jobs: several jobs of a project one after the other, watched, resumed and summed up.

``tutorial`` goes from movies, or particles, to a page of class averages: ``movie_course`` from movies, ``movie_page``
shows it. A recipe makes jobs and reads what they left; whatever computes belongs into a job or into the engine.
"""
