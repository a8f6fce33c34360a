"""Runs Caddy by the Caddyfile of docs/deploy.md, and nginx by the file of packaging/compose, before a real server."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = []


def check(what, good):
    RESULTS.append(bool(good))
    print(f"{'ok  ' if good else 'FAIL'} {what}", flush=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def started(command, said, **more):
    """The process, and what it wrote up to the line that says it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    # One that never says it is killed, which ends the reading.
    deadline = threading.Timer(60, process.kill)
    deadline.start()
    text = ""
    for line in process.stdout:
        text += line
        if said in line:
            deadline.cancel()
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, text
    process.wait()
    sys.exit(f"{command[0]} ended:\n" + re.sub(r"rk_\w+", "rk_…", text))


def ask(connect, method, path, value, body=None, headers=(), source="127.0.0.1"):
    connection = connect((source, 0))
    sent = {"X-API-Key": value, "Content-Type": "application/json", **dict(headers)}
    connection.request(method, path, json.dumps(body) if body is not None else None, sent)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, json.loads(text) if text.startswith("{") else text


def try_proxy(name, connect, admin):
    status, token = ask(connect, "POST", "/api-tokens", admin, {"name": "n", "scopes": [], "allowedCIDRBlocks": ["127.0.0.1"]})
    check(f"{name}: a token is created", status == 200)
    status, token = ask(connect, "POST", "/api-tokens/self/rotate", token["value"])
    check(f"{name}: it rotates", status == 200)
    value = token["value"]
    check(f"{name}: from its address, it works", ask(connect, "GET", "/verify", value)[0] == 200)
    for headers in [{}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}]:
        status, answer = ask(connect, "GET", "/verify", value, headers=headers, source="127.0.0.2")
        check(f"{name}: from another, it does not, whatever the client says of itself: {list(headers)}", status == 403)
    body = {"query": "subscription { auditEvents { id } }"}
    connection = connect(("127.0.0.1", 0))
    connection.request("POST", "/graphql", json.dumps(body), {"X-API-Key": admin, "Content-Type": "application/json", "Accept": "text/event-stream"})
    response = connection.getresponse()
    check(f"{name}: an event stream begins", response.status == 200 and response.headers["Content-Type"].startswith("text/event-stream"))
    ask(connect, "POST", "/api-tokens", admin, {"name": "announced", "scopes": []})
    check(f"{name}: its events are not held back", any(b"auditEvents" in response.fp.readline() for _ in range(10)))
    connection.close()


def main(binary, world):
    folder = Path(world)
    serve = [binary, "serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--database-url", f"sqlite://{folder}/rotakey.db"]
    server, said = started(serve, " listening address=", cwd=folder, env={"PATH": os.environ["PATH"]})
    running = [server]
    try:
        address = re.search(r"listening on http://(127\.0\.0\.1:\d+)", said)[1]
        admin = re.search(r"rk_\w+", said)[0]

        page = (ROOT / "docs/deploy.md").read_text()
        caddyfile = re.search(r"^```caddy\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
        port = free_port()
        for shown, actual in {"tokens.example.com": f"https://localhost:{port}", "127.0.0.1:8080": address}.items():
            assert shown in caddyfile
            caddyfile = caddyfile.replace(shown, actual)
        # No authority gives a certificate for this machine, so Caddy is its own.
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}}\n{caddyfile}")
        folders = {"HOME": world, "XDG_DATA_HOME": world, "XDG_CONFIG_HOME": world}
        caddy, _ = started(["caddy", "run", "--config", "Caddyfile"], "certificate obtained successfully", cwd=folder, env={**os.environ, **folders})
        running.append(caddy)
        trusted = ssl.create_default_context(cafile=folder / "caddy/pki/authorities/local/root.crt")
        secure = lambda source: http.client.HTTPSConnection("localhost", port, timeout=30, source_address=source, context=trusted)
        try_proxy("Caddy", secure, admin)

        config = (ROOT / "packaging/compose/nginx.conf").read_text()
        port = free_port()
        # Of three replicas, two are down.
        addresses = {"rotakey-1:8080": f"127.0.0.1:{free_port()}", "rotakey-2:8080": address, "rotakey-3:8080": f"127.0.0.1:{free_port()}", "listen 8080;": f"listen 127.0.0.1:{port};"}
        for shown, actual in addresses.items():
            assert shown in config
            config = config.replace(shown, actual)
        temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        config = config.replace("http {", f"http {{ {temporary}")
        (folder / "nginx.conf").write_text(f"daemon off; master_process off; pid {folder}/pid; error_log stderr notice;\n{config}")
        nginx, _ = started(["nginx", "-p", world, "-e", "stderr", "-c", f"{world}/nginx.conf"], "event method", cwd=folder)
        running.append(nginx)
        plain = lambda source: http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=source)
        try_proxy("nginx", plain, admin)
    finally:
        for process in running:
            process.terminate()
            process.wait()
    sys.exit(0 if all(RESULTS) else 1)


main(*sys.argv[1:])
