"""ManualPick and AutoPick: where the particles are."""
