"""Makes small databases of other systems with their real libraries, and brings their keys to Rotakey by the formats, queries and commands
of docs/migrating.md. Prints a line a system. Needs the binary, psql, Node.js and a PostgreSQL in ROTAKEY_TEST_POSTGRES."""

import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "migrating.md"
CLUSTER = os.environ["ROTAKEY_TEST_POSTGRES"]
PEPPER = "0123456789abcdef0123456789abcdef"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def sections():
    """The blocks of the page, by heading and language."""
    found, heading, block = {}, None, None
    for line in PAGE.read_text().splitlines():
        if block is not None:
            if line == "```":
                found.setdefault(heading, {}).setdefault(block[0], []).append("\n".join(block[1]))
                block = None
            else:
                block[1].append(line)
        elif line.startswith("```"):
            block = (line.strip("`"), [])
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def psql(database, sql):
    return run("psql", "--no-psqlrc", "--quiet", "--csv", "--set=ON_ERROR_STOP=1", f"{CLUSTER}/{database}", "--command", sql)


def sha256(text, secret=""):
    return hashlib.sha256((text + secret).encode()).digest()


def sanctum(database):
    """The table of Sanctum's migration, and tokens as createToken makes them."""
    secrets = ["aB3" * 16, "Xy7" * 16, "zZ9" * 16]
    psql(
        database,
        """CREATE TABLE personal_access_tokens (id bigserial PRIMARY KEY, tokenable_type varchar(255) NOT NULL,
        tokenable_id bigint NOT NULL, name text NOT NULL, token varchar(64) NOT NULL UNIQUE, abilities text,
        last_used_at timestamp, expires_at timestamp, created_at timestamp, updated_at timestamp)""",
    )
    for secret, abilities, expires in zip(secrets, ['["*"]', '["read", "write"]', "null"], ["NULL", "now() + interval '1 day'", "now() - interval '1 day'"]):
        psql(
            database,
            f"""INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities, expires_at, created_at)
            VALUES ('App\\Models\\User', 1, 'phone, "old"', '{sha256(secret).hex()}', '{abilities}', {expires} , now() - interval '2 days')""",
        )
    good = [f"{number}|{secret}" for number, secret in enumerate(secrets[:2], 1)]
    return {"good": good, "bad": [f"3|{secrets[2]}"], "header": "Authorization", "scheme": "Bearer"}


def gitlab(database):
    """The columns of GitLab's table that count here, and tokens by its CryptoHelper."""
    tokens = [f"glpat-{letter * 20}" for letter in "abc"]
    psql(
        database,
        """CREATE TABLE personal_access_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, name varchar NOT NULL,
        revoked boolean DEFAULT false, expires_at date, created_at timestamp NOT NULL, scopes varchar DEFAULT '--- []', token_digest varchar)""",
    )
    for token, revoked in zip(tokens, ["false", "false", "true"]):
        digest = base64.b64encode(sha256(token, PEPPER)).decode()
        psql(
            database,
            f"""INSERT INTO personal_access_tokens (user_id, name, revoked, expires_at, created_at, scopes, token_digest)
            VALUES (7, 'ci', {revoked}, current_date + 30, now(), E'---\\n- :api\\n- :read_user\\n', '{digest}')""",
        )
    return {"good": tokens[:2], "bad": tokens[2:], "header": "Authorization", "scheme": "Bearer"}


class Server:
    def __init__(self, binary, folder):
        arguments = ["serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen([binary, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=open(folder / "log", "w"), text=True)
        deadline = threading.Timer(60, self.process.kill)
        deadline.start()
        for line in self.process.stdout:
            if line.startswith("Rotakey is listening on "):
                self.url = line.split()[-1]
            if line.startswith("Playground"):
                deadline.cancel()
                return
        raise AssertionError((folder / "log").read_text())

    def ask(self, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json", **headers})
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


def credential(system, key):
    scheme = system.get("scheme")
    return {system["header"].replace("-", "_"): f"{scheme} {key}" if scheme else key}


def bring(binary, folder, server, heading, page, system, database):
    [sql] = page[heading]["sql"]
    (folder / "tokens.csv").write_text(psql(database, sql))
    commands = [line for block in page["Import it"]["text"] for line in block.splitlines()]
    assert commands == ["rotakey import tokens.csv --check", "rotakey import tokens.csv"], commands
    count = len(system["good"])
    said = [run(binary, *command.split()[1:], cwd=folder) for command in commands]
    assert said == [f"The file is valid. To import: {count} tokens. Imported before: 0.\n", f"Imported {count} tokens. Imported before: 0.\n"], said
    again = run(binary, "import", "tokens.csv", cwd=folder)
    assert again == f"Imported 0 tokens. Imported before: {count}.\n", again
    for key in system["good"]:
        status, _ = server.ask("/verify", **credential(system, key))
        assert status == 200, (heading, status)
    good = system["good"][0]
    altered = good[:-1] + ("1" if good.endswith("0") else "0")
    for key in [*system["bad"], altered]:
        status, _ = server.ask("/verify", **credential(system, key))
        assert status == 401, (heading, status)
    rotate = {"query": "mutation rotateAPIToken { rotateAPIToken { token { value name owner scopes expiresAt createdAt } } }"}
    status, body = server.ask("/graphql", rotate, **credential(system, system["good"][0]))
    token = json.loads(body)["data"]["rotateAPIToken"]["token"]
    assert token["value"].startswith("rk_") and server.ask("/verify", X_API_Key=token["value"])[0] == 200, heading
    assert server.ask("/verify", **credential(system, system["good"][0]))[0] == 200, "the overlap"
    token.pop("value")
    print(f"ok: {heading}: {count} keys came along; {json.dumps(token)}")
    return token


def main(binary, folder, python):
    page = sections()
    formats = {heading: blocks["toml"][0] for heading, blocks in page.items() if "toml" in blocks}
    (folder / "foreign-values.toml").write_text("\n".join(formats.values()))
    (folder / "db_key_base").write_text(PEPPER + "\n")
    os.environ["ROTAKEY_FOREIGN_VALUES"] = "foreign-values.toml"
    systems, databases = {}, {}
    for name in ["django", "better_auth", "sanctum", "gitlab"]:
        psql("postgres", f"CREATE DATABASE {name}")
    made = json.loads(run(python, HERE / "django_keys.py", f"{CLUSTER}/django"))
    for heading, system in made.items():
        systems[heading], databases[heading] = system, "django"
    made = run("node", HERE / "better_auth.mjs", f"{CLUSTER}/better_auth").splitlines()[-1]
    systems["better-auth"], databases["better-auth"] = json.loads(made), "better_auth"
    systems["Laravel Sanctum"], databases["Laravel Sanctum"] = sanctum("sanctum"), "sanctum"
    systems["Tables like GitLab's"], databases["Tables like GitLab's"] = gitlab("gitlab"), "gitlab"
    assert set(systems) == {heading for heading, blocks in page.items() if "sql" in blocks}
    server = Server(binary, folder)
    try:
        tokens = {heading: bring(binary, folder, server, heading, page, system, databases[heading]) for heading, system in systems.items()}
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert tokens["Laravel Sanctum"]["scopes"] == ["*"] and tokens["Laravel Sanctum"]["name"] == 'phone, "old"'
    assert tokens["Tables like GitLab's"]["scopes"] == ["api", "read_user"]
    assert tokens["django-rest-knox"]["owner"] == "ada" and tokens["django-rest-knox"]["expiresAt"]
    assert tokens["better-auth"]["name"] == "billing" and re.match(r"\d{4}-", tokens["better-auth"]["expiresAt"])
    log = (folder / "log").read_text()
    assert not any(key in log for system in systems.values() for key in system["good"]), "a key is in the log"
    print(f"{len(systems)} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])
