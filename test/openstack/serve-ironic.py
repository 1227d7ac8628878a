"""Serves Ironic, API and conductor in one process. Usage: serve-ironic.py DIR

DIR holds ironic.conf, and `delay`: the seconds that each step of fake-hardware takes, read anew at every step.
The first time it makes the database.
"""

import os
import sys

directory = sys.argv[1]
sys.argv = ["ironic", "--config-file", f"{directory}/ironic.conf"]

from ironic.cmd import singleprocess  # noqa: E402
from ironic.common import service  # noqa: E402

prepare_service = service.prepare_service


def prepare(*arguments):
    """Drivers may be imported only once the settings are loaded."""
    prepare_service(*arguments)
    from ironic.db import migration
    from ironic.drivers.modules import fake

    if not os.path.exists(f"{directory}/ironic.sqlite"):
        migration.create_schema()

    def delay(_):
        with open(f"{directory}/delay") as file:
            seconds = float(file.read())
        return seconds, seconds

    fake.parse_sleep_range = delay


service.prepare_service = prepare
sys.exit(singleprocess.main())
