"""What is done with maps once they are reconstructed: masks, correlations, sharpening, filters, local resolution.

Arrays are (z, y, x) with the origin at n//2; shells are counted from 0 to n//2, shell s at s/(n · pixel size) in 1/Å.
"""
