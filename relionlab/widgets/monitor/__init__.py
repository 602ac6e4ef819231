"""How a job goes, what came out of it, and what usually follows."""
