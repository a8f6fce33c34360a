"""Runs all of docs/backup.md in this folder."""

import os
import subprocess
import sys

import interrupted
import postgres
import sqlite
from page import Page


def main(world):
    for folder in ["lib", "backups"]:
        os.makedirs(f"{world}/{folder}")
    page = Page(
        world,
        {
            "/var/lib/rotakey": f"{world}/lib",
            "/var/backups/rotakey": f"{world}/backups",
            "/etc/litestream.yml": f"{world}/litestream.yml",
            "/var/lib/postgresql": f"{world}/postgresql",
            "/var/backups/postgresql": f"{world}/backups-postgresql",
        },
    )
    admin = sqlite.back_up_and_restore(page, world)
    sqlite.litestream(page, world, admin)
    interrupted.kill_everywhere(world)
    cluster = postgres.Cluster(page, world)
    try:
        page.replaced["127.0.0.1:5432"] = f"127.0.0.1:{cluster.port}"
        admin = postgres.dump_and_restore(page, world, cluster)
        postgres.recover_to_a_moment(page, world, cluster, admin)
    finally:
        subprocess.run([*cluster.by, "pg_ctl", "-D", cluster.data, "-m", "immediate", "stop"], cwd="/", capture_output=True)
    page.done()


if __name__ == "__main__":
    main(sys.argv[1])
