"""The module that `app.launch.module_command("app.daemon")` runs: the daemon, until it is stopped."""

import sys

from app.daemon.run import main

sys.exit(main())
