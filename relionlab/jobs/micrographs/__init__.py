"""What every program on micrographs shares: its list, its options, and the loop with its continuation."""
