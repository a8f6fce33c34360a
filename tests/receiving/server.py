"""The real binary, and its API."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """A server on a database in this folder, which outlives it."""

    def __init__(self, binary, folder, **settings):
        folder.mkdir(exist_ok=True)
        self.binary, self.folder, self.settings, self.token = binary, folder, settings, None
        self.start()

    def start(self):
        serve = [self.binary, "serve", "--listen", "127.0.0.1:0", "--database-url", f"sqlite://{self.folder}/rotakey.db"]
        with open(self.folder / "log", "a") as log:
            environment = {**os.environ, **self.settings}
            self.process = subprocess.Popen(serve, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        # One that never says that it is ready is killed, which ends the reading.
        deadline = threading.Timer(60, self.process.kill)
        deadline.start()
        for line in self.process.stdout:
            if line.startswith("Rotakey is listening on "):
                self.url = line.split()[-1]
            if found := re.match(r"\s*export TOKEN=(rk_[0-9A-Za-z_]+)", line):
                self.token = found[1]
            # The first start says it last; the others do not know it any more.
            if self.token and line.startswith(("Playground", "  export")):
                deadline.cancel()
                return
        raise AssertionError(self.log())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log()

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def log(self):
        return (self.folder / "log").read_text()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-API-Key": self.token}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, json.loads(response.read() or "null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def call(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def until(self, path, holds, seconds=25):
        """What the API returns, once this holds of it."""
        end = time.monotonic() + seconds
        while not holds(answer := self.call("GET", path)):
            assert time.monotonic() < end, f"not within {seconds} seconds: {answer}"
        return answer
