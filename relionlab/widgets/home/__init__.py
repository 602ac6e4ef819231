"""The home page of a project, in which every other widget opens."""
