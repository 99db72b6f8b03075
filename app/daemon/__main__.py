"""`python -m app.daemon`: the daemon, in this process, until it is told to end."""

import sys

from app.daemon.run import main

sys.exit(main())
