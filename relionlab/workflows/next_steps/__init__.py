"""Which jobs usually follow each kind of job, stage by stage; :mod:`relionlab.workflows.next_jobs` chooses among them."""
