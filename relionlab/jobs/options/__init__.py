"""Form fields that many job types share: where a job runs, on what, and how its output is named."""
