"""The pages of a project's jobs: list, palette, one job, flowchart, comparison, sweep, Trash."""
