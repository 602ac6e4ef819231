"""Motion correction: how a movie's frames moved, and the sum of the frames with the motion taken out.

Conventions
-----------
shift       the correction, in px of the movie, as (x, y): what a frame's content must be moved by to lie on the first
            frame's; minus the displacement of the specimen. RELION's STAR files say it so
field       positions as u = x/width - 1/2, v = y/height - 1/2, -1/2 to 1/2, in the corrected micrograph
time        frames after the first one that is used: 0, 1, 2 …
model       shift(frame, u, v) = global(frame) + Σ c[axis, b, p] · basis_b(u, v) · time^(p+1), with the six functions
            1, u, u², v, v², uv: RELION's motion model (Zivanov, Nakane & Scheres, IUCrJ 6 (2019) 5)
frequency   cycles per px of the movie

The steps: ``spectra`` (low frequencies of the frames), ``whole`` (one shift per frame), ``patches`` and ``local`` (the
model), ``summing`` (the micrograph, dose-weighted or not), ``power`` (the spectrum for CTF estimation).
"""
