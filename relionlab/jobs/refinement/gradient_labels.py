"""Where the options of a gradient-driven run stand in the optimiser's table of RELION 3.1, and of RELION 4 and 5."""

from __future__ import annotations

STAGES: dict[str, tuple[str, type]] = {
    "sgd": ("rlnDoStochasticGradientDescent", bool),
    "stochastic_em": ("rlnDoStochasticEM", bool),
    "sgd_ini_iter": ("rlnSgdInitialIterations", int),
    "sgd_inbetween_iter": ("rlnSgdInBetweenIterations", int),
    "sgd_fin_iter": ("rlnSgdFinalIterations", int),
    "grad_ini_resol": ("rlnSgdInitialResolution", float),
    "grad_fin_resol": ("rlnSgdFinalResolution", float),
    "grad_ini_subset": ("rlnSgdInitialSubsetSize", int),
    "grad_fin_subset": ("rlnSgdFinalSubsetSize", int),
    "grad_stepsize": ("rlnSgdStepsize", float),
    "grad_write_iter": ("rlnSgdWriteEverySubset", int),
    "mu": ("rlnSgdMuFactor", float),
    "sgd_sigma2fudge_initial": ("rlnSgdSigma2FudgeInitial", float),
    "sgd_sigma2fudge_halflife": ("rlnSgdSigma2FudgeHalflife", int),
    "sgd_skip_anneal": ("rlnSgdSkipAnneal", bool),
}
"""Options of a gradient-driven run, as RELION 3.1 has them."""

LATER: dict[str, tuple[str, type]] = {
    "grad": ("rlnDoGradientRefine", bool),
    "auto_sampling": ("rlnDoAutoSampling", bool),
    "maxsig": ("rlnMaximumSignificantPoses", int),
    "grad_ini_frac": ("rlnSgdInitialIterationsFraction", float),
    "grad_fin_frac": ("rlnSgdFinalIterationsFraction", float),
    "grad_em_iters": ("rlnGradEmIters", int),
    "grad_min_resol": ("rlnSgdMinimumResolution", float),
    "grad_stepsize_scheme": ("rlnSgdStepsizeScheme", str),
    "class_inactivity_threshold": ("rlnSgdClassInactivityThreshold", float),
}
"""Options of RELION 4 and 5; 3.1 does not know the labels, so they are written only where they say something."""
