"""The form of a job type, made from its declaration."""
