"""Two-dimensional classification by maximum a posteriori expectation maximisation.

The model (Scheres 2012, J Mol Biol 415:406, equations 1–8, for images in place of maps): the transform of image n is
that of class k, turned by psi, shifted by t and multiplied by the CTF, plus Gaussian noise with one variance per
shell and group; the class averages have a Gaussian prior with variance T tau2 per shell. The E-step finds the
posterior weight of every class, angle and shift; the M-step averages the images with these weights.

``state`` holds the model, ``images`` brings particles to the polar grid, ``references`` the class averages,
``expectation`` is the pass over the particles, ``maximisation`` the update, ``start`` makes the first model, and
``cartesian`` is the same E- and M-step written plainly in double precision on the Cartesian grid: the reference of
the tests.
"""
