"""MotionCorr: frames of a movie aligned, weighted by dose and summed."""
