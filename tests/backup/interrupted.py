"""Kills `rotakey restore` before every change of a name in its folder, each time in a fresh copy of one folder."""

import contextlib
import glob
import os
import shutil
import signal
import sqlite3
import subprocess

from load import ROTATE, Server

# Every system call that gives a file a name or takes one away.
CALLS = "link,linkat,unlink,unlinkat,rename,renameat,renameat2"
# More than a restore makes.
MOST = 60
UNFINISHED = "a restore is running or was interrupted"


def generation(path, token):
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT generation FROM api_token WHERE id = ?", [token]).fetchone()[0]


def prepare(folder):
    """A database whose last rotation is in its write-ahead log alone, and a backup that lacks that rotation: the token."""
    os.makedirs(folder)
    url = f"sqlite://{folder}/own.db"
    server = Server(url, f"{folder}/server.log")
    token = server.create(server.first)
    subprocess.run(["rotakey", "backup", f"{folder}/backup.db", "--database-url", url], check=True, stderr=subprocess.DEVNULL)
    server.ask(token["value"], ROTATE)
    server.stop(signal.SIGKILL)
    os.remove(f"{folder}/server.log")
    assert os.path.getsize(f"{folder}/own.db-wal") > 0
    return token["id"]


def check(folder, token, killed_at):
    """What a restore that was killed left: the server says so or serves a whole database, and a second restore loses nothing."""
    url = f"sqlite://{folder}/own.db"
    served = None
    with open(f"{folder}/serve.log", "w") as log:
        serve = ["rotakey", "serve", "--listen", "127.0.0.1:0", "--database-url", url]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True)
    if server.stdout.readline():
        server.terminate()
        served = generation(f"{folder}/own.db", token)
        assert served in (1, 2), served
    server.wait(60)
    words = open(f"{folder}/serve.log").read()
    assert served or UNFINISHED in words, words
    restore = ["rotakey", "restore", "--force", f"{folder}/backup.db", "--database-url", url]
    done = subprocess.run(restore, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"killed at {killed_at}: {done.stderr}"
    assert generation(f"{folder}/own.db", token) == 1
    left = [name for name in os.listdir(folder) if "restoring" in name]
    assert not left, left
    kept = [path for path in glob.glob(f"{folder}/own.db-replaced-*") if not path.endswith(("-wal", "-shm"))]
    assert 2 in [generation(path, token) for path in kept], f"killed at {killed_at}: the old database lost its last rotation"
    return served


def kill_everywhere(world):
    template, folder = f"{world}/interrupted/template", f"{world}/interrupted/folder"
    token = prepare(template)
    outcomes = []
    for call in range(1, MOST):
        shutil.copytree(template, folder)
        inject = f"inject={CALLS}:signal=SIGKILL:when={call}"
        restore = ["rotakey", "restore", "--force", f"{folder}/backup.db", "--database-url", f"sqlite://{folder}/own.db"]
        trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", inject, *restore]
        ended = subprocess.run(trace, capture_output=True, text=True, timeout=120)
        if ended.returncode == 0:
            break
        assert "Killed" in ended.stderr or ended.returncode in (-9, 137), ended
        outcomes.append(check(folder, token, call))
        shutil.rmtree(folder)
    else:
        raise AssertionError(f"it was killed {MOST} times and never came to its end")
    counts = [outcomes.count(outcome) for outcome in (2, None, 1)]
    assert all(counts[:2]), outcomes
    print(f"rotakey restore, killed before each of {len(outcomes)} changes of a name: after {counts[0]} the old database is served, "
          f"after {counts[1]} the server waits for another restore, after {counts[2]} the backup is served; nothing lost")
