"""`python -m pbx.cli`, where the program itself is not installed."""

import sys

from pbx.cli.program import main

sys.exit(main())
