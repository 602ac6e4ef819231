"""RELION's cryo-EM workflow as an interactive JupyterLab environment.

``import relionlab`` is light: the parts load when they are first used.
"""

from __future__ import annotations

__version__ = "0.1.0"
