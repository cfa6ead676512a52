"""``python -m faa_tui`` is ``faa``."""

import sys

from faa_tui.cli.main import main

sys.exit(main())
