"""Programs on lists: STAR files joined, edited, compared, and columns given by name."""
