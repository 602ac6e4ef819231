"""Three-dimensional refinement by maximum a posteriori expectation maximisation (Scheres 2012, J Mol Biol 415:406).

The model is that of classify2d with maps in place of class averages: a *view* is a class seen from one direction, and
takes the place of a class average there. The search is in two passes: all views on a coarse grid, then the finer
directions of those that hold a particle's weight, with the in-plane angles and offsets that do.

``state`` holds the model, ``views`` the spectra of directions, ``coarse`` and ``fine`` the two passes, ``expectation``
the Step over the particles, ``maximisation`` the update.

Where an E-step differs from RELION's
-------------------------------------
From the same model and on the same grid, RELION 3.1.3 finds other grid points while the grid is coarse. Measured on simulated
particles, one iteration, two classes, (a) HEALPix order 1 in C1 at the eighth iteration and (b) order 2 in D2 at the fifth:
the best grid orientation is the same for (a) 44 and (b) 69 % of the particles, the class for 93 and 88 %.

* Our coarse pass compares few rings (``grids.COARSE_DETAIL``) and so keeps more candidates. With 6 and 11 rings, the numbers
  that agree best and well with RELION, orientations are the same for 69 and 84 %, classes for 95 and 90 %: this is the greatest
  part of the difference. It is kept: 6 rings take two thirds of the time, but the ARI of two simulated classes (order 1,
  one seed) fell from 0.83 to 0.63, about where RELION's is.
* No prior of directions, which RELION multiplies with in searches over all directions. With it and that of the classes, on those
  rings, orientations agree in 73 and 84 %, classes in 96 and 94 %. It made nothing clearly better on our own rings: ARI 0.74 and
  0.82 with two seeds (0.83 and 0.79 without), pose error in an auto-refinement 0.46° and, with real particles, correlation with
  the atomic model 0.877, both as without.
* Every direction and angle that is looked at finer is tried with every such offset, not only in the combinations that were
  significant themselves. With those alone, besides: 84 and 90 %, 96 and 93 %.
* The pose that is written is a mean (``mean_pose``), no grid point.

What is left is unexplained. Offset priors of another width, shells, noise, scale, norm and the mask's edge, each varied
alone on top of these, changed the agreement by no more than three per cent.
"""
