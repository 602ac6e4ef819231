"""Lets ``python -m relionlab`` do what ``relionlab`` does."""

import sys

from relionlab.cli import main

sys.exit(main())
