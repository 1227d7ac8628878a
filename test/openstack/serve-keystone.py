"""Serves Keystone. Usage: serve-keystone.py DIR PORT ENDPOINT PASSWORD

The first time it makes the database: project and user `admin` in the domain Default, region RegionOne, and ENDPOINT in
the catalogue as `baremetal`.
"""

import os
import sys

directory, port, endpoint, password = sys.argv[1:]
config = f"{directory}/keystone.conf"
database = f"{directory}/keystone.sqlite"
# Keystone would parse our arguments as its own.
sys.argv[1:] = []
os.environ["OS_KEYSTONE_CONFIG_DIR"] = directory
os.environ["OS_KEYSTONE_CONFIG_FILES"] = config

from keystone.cmd import cli, manage  # noqa: E402,F401
from keystone.server.wsgi import initialize_public_application  # noqa: E402


def in_child(work):
    """keystone-manage and the server share a process's global settings badly, and importing Keystone costs 3 s."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("Keystone could not be set up")


def keystone_manage(*arguments):
    sys.argv[1:] = ["--config-file", config, *arguments]
    try:
        cli.main(argv=sys.argv, developer_config_file=None)
    except SystemExit as end:
        if end.code:
            raise


def set_up():
    identity = f"http://127.0.0.1:{port}/v3"
    keystone_manage(
        *("bootstrap", "--bootstrap-username", "admin", "--bootstrap-password", password),
        *("--bootstrap-project-name", "admin", "--bootstrap-role-name", "admin", "--bootstrap-region-id", "RegionOne"),
        *("--bootstrap-public-url", identity, "--bootstrap-internal-url", identity, "--bootstrap-admin-url", identity),
    )
    from keystone.common import provider_api

    catalog = provider_api.ProviderAPIs.catalog_api
    service = {"id": "1" * 32, "type": "baremetal", "name": "ironic", "enabled": True}
    catalog.create_service(service["id"], service)
    for number, interface in enumerate(("public", "internal", "admin"), start=1):
        one = {"id": f"{number:032x}", "interface": interface, "url": endpoint, "enabled": True}
        catalog.create_endpoint(one["id"], {**one, "service_id": service["id"], "region_id": "RegionOne"})


if not os.path.exists(database):
    in_child(lambda: keystone_manage("db_sync"))
    in_child(set_up)

from waitress import serve  # noqa: E402

# One thread: SQLite's objects may not be used in another thread than their own.
serve(initialize_public_application(), host="127.0.0.1", port=int(port), threads=1)
