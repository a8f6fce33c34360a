"""PostgreSQL: pg_dump, and point-in-time recovery, on a cluster of its own."""

import os
import shutil
import socket
import subprocess
import time

from load import GENERATIONS, Load, Server, until
from page import value_in


class Cluster:
    def __init__(self, page, world):
        self.data, self.log = f"{world}/postgresql/data", f"{world}/postgresql/log"
        # PostgreSQL refuses to run as root.
        self.by = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        for folder in [f"{world}/postgresql", f"{world}/backups-postgresql", f"{world}/backups-postgresql/wal"]:
            os.makedirs(folder)
            if self.by:
                shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgres://rotakey@127.0.0.1:{self.port}/rotakey"
        arguments = ["--username=rotakey", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        self.tool("initdb", "-D", self.data, *arguments)
        self.configure(page.take("PostgreSQL: point-in-time recovery", "ini"))
        self.start()
        self.tool("createdb", f"--maintenance-db=postgres://rotakey@127.0.0.1:{self.port}/postgres", "rotakey")

    def tool(self, *command):
        done = subprocess.run([*self.by, *command], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def configure(self, settings):
        with open(f"{self.data}/postgresql.conf", "a") as file:
            file.write(settings)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={os.path.dirname(self.data)}"
        command = ["pg_ctl", "-D", self.data, "-w", "-l", self.log, "-o", options, "start"]
        done = subprocess.run([*self.by, *command], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert done.returncode == 0, open(self.log).read()

    def stop(self):
        self.tool("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def query(self, sql):
        return self.tool("psql", "--no-align", "--tuples-only", "--command", sql, self.url)

    def generations(self):
        rows = self.query(GENERATIONS).splitlines()
        return {token: int(generation) for token, generation in (row.split("|") for row in rows)}


def dump_and_restore(page, world, cluster):
    heading = "PostgreSQL: pg_dump"
    server = Server(cluster.url, f"{world}/server.log")
    load = Load([server], server.first)
    load.wait_for(50)
    started = time.time()
    page.run(heading)
    load.wait_for(50)
    load.stop()
    server.stop()
    retired = page.run(heading)
    lost = load.lost(cluster.generations())
    # Retiring a value counts as a rotation.
    assert "Retired " in retired and all(moment > started for moment, *_ in lost)
    print(f"pg_dump: {len(load.acknowledged)} rotations, all that were acknowledged before the dump began are in it")
    server = Server(cluster.url, f"{world}/server.log")
    codes = {server.code(value) for *_, value in load.acknowledged}
    assert codes == {"VALUE_RETIRED", "UNAUTHENTICATED"}, codes
    server.stop()
    return value_in(page.paste("rotakey bootstrap"))


def recover_to_a_moment(page, world, cluster, admin):
    """Two servers run on while PostgreSQL is taken back in time."""
    heading = "PostgreSQL: point-in-time recovery"
    servers = [Server(cluster.url, f"{world}/server-{number}.log") for number in (1, 2)]
    load = Load(servers, admin)
    load.wait_for(50)
    page.run(heading, by=cluster.by)
    load.wait_for(50)
    before = list(load.acknowledged)
    moment = cluster.query("SELECT clock_timestamp()")
    load.wait_for(50)
    load.stop()
    late = load.acknowledged[-1]
    # The first use of a value is a change; after the second one it is cached.
    assert [server.code(late[3]) for server in servers * 3] == [None] * 6
    cluster.stop()
    page.run(heading, by=cluster.by)
    cluster.configure(page.take(heading, "ini").replace("2026-11-27 03:00:00+00", moment))
    cluster.start()
    until(lambda: cluster.query("SELECT pg_is_in_recovery()") == "f", "the end of the recovery")
    generations = cluster.generations()
    assert not [one for one in before if generations.get(one[1], 0) < one[2]], "what was acknowledged before the moment is there"
    assert generations[late[1]] < late[2], "what came later is not"
    print(f"point-in-time recovery: {len(load.acknowledged)} rotations, the {len(before)} before the moment are there")

    for server in servers:
        until(lambda: server.code(late[3]) == "UNAUTHENTICATED", "servers that ran on know that the value is gone")
    page.run(heading)
    newest = {token: value for _, token, _, value in before}
    for server in servers:
        for value in newest.values():
            until(lambda: server.code(value) == "VALUE_RETIRED", f"a retired value ({server.code(value)})")
    fresh = value_in(page.paste("rotakey bootstrap"))
    load = Load(servers, fresh)
    load.wait_for(50)
    load.stop()
    for server in servers:
        server.stop()
