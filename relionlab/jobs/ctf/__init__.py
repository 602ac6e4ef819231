"""CtfFind: the contrast transfer function of every micrograph."""
