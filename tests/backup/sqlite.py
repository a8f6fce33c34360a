"""SQLite: rotakey backup, and Litestream."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time

from load import GENERATIONS, Load, Server, until
from page import value_in

EMERGENCY = "In an emergency"


def generations(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return dict(database.execute(GENERATIONS))


def back_up_and_restore(page, world):
    """The emergency of the page: a value leaked after the backup, and was rotated away."""
    heading = "SQLite: rotakey backup"
    path = f"{world}/lib/rotakey.db"
    server = Server(f"sqlite://{path}", f"{world}/server.log")
    leaked = server.create(server.first)
    load = Load([server], server.first)
    load.wait_for(50)
    started = time.time()
    page.run(heading)
    server.ask(leaked["value"], "mutation { rotateAPIToken(input: { overlapMinutes: 0 }) { token { value } } }")
    assert server.code(leaked["value"]) == "VALUE_RETIRED"
    load.wait_for(50)
    server.stop(signal.SIGKILL)
    load.stop()
    page.run(heading)
    lost = load.lost(generations(path))
    assert lost and all(moment > started for moment, *_ in lost), "all that was acknowledged before the backup is in it"
    print(f"rotakey backup: {len(load.acknowledged)} rotations, {len(lost)} lost, all of them acknowledged after the backup began")

    value = value_in(page.run(EMERGENCY))
    server = Server(f"sqlite://{path}", f"{world}/server.log")
    assert server.first is None
    for old in [leaked["value"], load.acknowledged[0][3]]:
        assert server.code(old) == "VALUE_RETIRED", server.code(old)
    also = {"rk_…": value, "tok_…": leaked["id"], "http://127.0.0.1:8080": server.url}
    answer = page.run(EMERGENCY, **also)
    assert server.code(value_in(answer)) is None, answer
    server.stop()
    return value


def litestream(page, world, admin):
    heading = "SQLite: Litestream"
    path, config, replica = f"{world}/lib/rotakey.db", f"{world}/litestream.yml", f"{world}/backups/litestream"
    to_folder, to_s3 = page.take(heading, "yaml"), page.take(heading, "yaml")
    for settings in [to_s3, to_folder]:
        with open(config, "w") as file:
            file.write(settings)
        listed = subprocess.run(["litestream", "databases", "-config", config], capture_output=True, text=True, check=True)
        assert path in listed.stdout, listed
    replicate = page.take(heading, "sh")

    def start():
        log = open(f"{world}/litestream.log", "a")
        return subprocess.Popen(["bash", "-c", f"exec {replicate}"], stdout=log, stderr=log)

    def replicated():
        return sorted(os.stat(os.path.join(folder, name)).st_mtime for folder, _, names in os.walk(replica) for name in names)

    server = Server(f"sqlite://{path}", f"{world}/server.log")
    process = start()
    load = Load([server], admin)
    until(lambda: len(replicated()) >= 8, "copies of Litestream")
    load.wait_for(20)
    server.stop(signal.SIGKILL)
    killed = time.time()
    load.stop()
    command = ["rotakey", "restore", "--force", f"{world}/copy.db"]
    subprocess.run(["rotakey", "backup", f"{world}/copy.db", "--database-url", f"sqlite://{path}"], check=True)
    refused = subprocess.run([*command, "--database-url", f"sqlite://{path}"], capture_output=True, text=True)
    assert refused.returncode == 1 and "Litestream" in refused.stderr, refused.stderr
    process.kill()
    process.wait()
    copies = replicated()

    page.run(heading)
    lost = load.lost(generations(path))
    # The last copy was begun after the one before it was there.
    assert all(moment > copies[-2] for moment, *_ in lost), "what was acknowledged before the last copy is in it"
    lag = max((killed - moment for moment, *_ in lost), default=0.0)
    print(f"Litestream: {len(load.acknowledged)} rotations, {len(lost)} lost, acknowledged in the last {lag:.1f} s before the kill")

    # It goes on with the restored database.
    admin = value_in(page.paste("rotakey bootstrap"))
    server = Server(f"sqlite://{path}", f"{world}/server.log")
    process = start()
    created = server.create(admin)["id"]
    again = f"{world}/again.db"

    def copied():
        command = ["litestream", "restore", "-config", config, "-force", "-o", again, path]
        restored = subprocess.run(command, capture_output=True, text=True)
        return restored.returncode == 0 and created in generations(again)

    until(copied, "a copy of the restored database")
    server.stop()
    process.kill()
    process.wait()
