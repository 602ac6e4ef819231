"""The lab: JupyterLab opened on a project, with its home page already running."""
