"""Recipes over jobs: several jobs of a project one after the other, watched, resumed and summed up.

``tutorial`` goes from particles to a page of class averages. A recipe makes jobs and reads what they left; whatever
computes belongs into a job or into the engine.
"""
