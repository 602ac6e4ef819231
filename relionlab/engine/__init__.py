"""The mathematics: arrays in, arrays out; no files, no jobs, no screen.

Conventions, kept here only and tested against RELION 3.1.3 (tests/relion):

axes        the last axes of an array are (z,) y, x as in the MRC file, y pointing down; leading axes are batch
origin      pixel n//2 of every axis, of images and of maps
transforms  ``rfft2_centred`` puts the phase origin at the image origin and divides by the number of pixels (forward
            normalised, as RELION's spectra); spectra are half planes (n, n//2+1): row j has the frequency
            j for j < n/2, j - n beyond, column i the frequency i, in 1/(n × pixel size)
angles      rot, tilt, psi in degrees: RELION's ZYZ, A = Rz(psi) Ry(tilt) Rz(rot) with Rz(t) = [[cos, sin, 0],
            [-sin, cos, 0], [0, 0, 1]]; A acts on (x, y, z) coordinates. The projection along direction A is
            P(x, y) = ∫ map(Aᵀ (x, y, z)) dz, its transform F(kx, ky) the map's at Aᵀ (kx, ky, 0)
shifts      in Å (in px where a name says so), as (x, y); ``shift`` moves the image by +x, +y. RELION's
            OriginX/Y is the shift that brings the particle to the image origin, the opposite of where it lies
defocus     in Å, positive is underfocus; DefocusU along DefocusAngle, in degrees from x towards y
CTF         sin(πλz k² - π/2 Cs λ³ k⁴ + phase shift + asin(amplitude contrast)): positive at low frequency for
            underfocus, with protein bright
resolution  in Å; shell s of a box of n px is at n × pixel size / s
precision   batches in float32; what is summed over batches in float64

Every function takes the arrays' own library, NumPy or CuPy, from its arguments (``namespace``); results live
where inputs live.
"""
