"""Select and Sort: which classes and particles go on."""
