"""A server, and clients that rotate as fast as they can and remember what was acknowledged, and when."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time

ROTATE = "mutation { rotateAPIToken { token { value generation } } }"
CREATE = 'mutation { createAPIToken(input: { name: "holder", overlapMinutes: 60 }) { token { value id } } }'
# The last generation that a client was given: not the values that only retire the ones before them.
GENERATIONS = """SELECT token_id, max(generation) FROM api_token_value WHERE NOT (generation > 1 AND created_by IS NULL)
    GROUP BY token_id"""
DEADLINE = 60


def until(condition, what):
    """Waits until this is true."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        time.sleep(0.02)


class Server:
    def __init__(self, database_url, log):
        command = ["rotakey", "serve", "--listen", "127.0.0.1:0", "--database-url", database_url]
        with open(log, "a") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        # The banner and the first value are written in one piece.
        banner = ""
        while "Playground: " not in banner:
            more = os.read(self.process.stdout.fileno(), 65536).decode()
            assert more, f"the server did not start: {open(log).read()}"
            banner += more
        self.url = re.search(r"listening on (\S+)", banner)[1]
        first = re.search(r"export TOKEN=(rk_\w+)", banner)
        self.first = first and first[1]

    def connect(self):
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE)

    def ask(self, value, query):
        return ask(self.connect(), value, query)

    def create(self, admin):
        return self.ask(admin, CREATE)["data"]["createAPIToken"]["token"]

    def code(self, value):
        """Why this value does not work, or None."""
        answer = self.ask(value, "{ currentAPIToken { generation } }")
        return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(DEADLINE)


def ask(connection, value, query):
    headers = {"Content-Type": "application/json", "X-API-Key": value}
    connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
    return json.loads(connection.getresponse().read())


class Load:
    """Clients that each rotate a token until they are stopped or their server is gone."""

    def __init__(self, servers, admin, clients=8):
        self.acknowledged, self.running = [], True
        tokens = [servers[0].create(admin) for _ in range(clients)]
        self.threads = [
            threading.Thread(target=self.rotate, args=(servers[number % len(servers)], token))
            for number, token in enumerate(tokens)
        ]
        for thread in self.threads:
            thread.start()

    def rotate(self, server, token):
        connection, value = server.connect(), token["value"]
        while self.running:
            try:
                answer = ask(connection, value, ROTATE)
            except (OSError, http.client.HTTPException):
                return
            if "data" not in answer or not answer["data"]:
                return
            rotated = answer["data"]["rotateAPIToken"]["token"]
            value = rotated["value"]
            self.acknowledged.append((time.time(), token["id"], rotated["generation"], value))

    def wait_for(self, rotations):
        """Waits for so many more."""
        wanted = len(self.acknowledged) + rotations
        until(lambda: len(self.acknowledged) >= wanted, f"{rotations} rotations")

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join(DEADLINE)

    def lost(self, generations):
        """The acknowledged rotations that a database with these generations does not have."""
        return [one for one in self.acknowledged if generations.get(one[1], 0) < one[2]]
