"""What came out of each kind of job, stage by stage; :mod:`relionlab.workflows.outcome` chooses among them."""
