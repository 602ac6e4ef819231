"""Other programs' metadata <-> tables: one module per program, beside jobs; no images are read here."""
