"""From poses to maps and back: reconstruct, project, find and apply symmetry, change the hand."""
