"""Maps: slices, surfaces, masks with their curves."""
