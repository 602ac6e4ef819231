"""Three-dimensional refinement by maximum a posteriori expectation maximisation (Scheres 2012, J Mol Biol 415:406).

The model is that of classify2d with maps in place of class averages: a *view* is a class seen from one direction, and
takes the place of a class average there. The search is in two passes: all views on a coarse grid, then the finer
directions of those that hold a particle's weight, with the in-plane angles and offsets that do.

``state`` holds the model, ``views`` the spectra of directions, ``coarse`` and ``fine`` the two passes, ``expectation``
the Step over the particles, ``maximisation`` the update.
"""
