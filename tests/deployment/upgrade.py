"""Follows docs/upgrade.md on one machine with systemd: upgrades from the binary in the first argument to this one, and back.

Also what only systemd shows: connections wait while the server is replaced, and it listens without IPv6. Prints a line a check, and ends
with 1 if one fails.
"""

import json
import re
import sys

from machines import ROOT, built, check, packed, use_machines

PAGE = (ROOT / "docs/upgrade.md").read_text()
# What the page calls them, and what they are here.
PACKAGES = {"rotakey_0.1.0-1_amd64.deb": "1", "rotakey_0.2.0-1_amd64.deb": "2"}
READY = "until rotakey healthcheck >/dev/null 2>&1; do :; done"


def pack(folder):
    """A package of the older binary, and one of this with a higher revision, by the names of the page."""
    packages = []
    for (name, revision), binary in zip(PACKAGES.items(), [sys.argv[1], built()]):
        (folder / revision).mkdir()
        packages.append(packed(folder / revision, binary, revision).rename(folder / name))
    return packages


def blocks(heading):
    """The blocks of commands of a section."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def ask(machine, path, value, method="GET"):
    """The status and the answer."""
    command = f"curl --silent --max-time 20 --write-out '\\n%{{http_code}}' --request {method} --header 'X-API-Key: {value}' http://127.0.0.1:8080{path}"
    text, _, status = machine.run(command).rpartition("\n")
    return int(status), json.loads(text) if text.startswith("{") else text


def rotated(machine, what, value):
    status, answer = ask(machine, "/api-tokens/self/rotate", value, "POST")
    check(f"{what}: a token rotates", status == 200)
    return answer["value"]


def revision(machine):
    return machine.run("dpkg-query --show --showformat='${Version}' rotakey").rpartition("-")[2]


def use(machines):
    machine, = machines
    upgrade, = blocks("One machine")
    back, restore = blocks("Going back")
    # Of the packages here, only this one is upgraded.
    (machine.root / "etc/apt/apt.conf.d/99-no-upgrade").unlink()
    machine.run("apt-get install --yes ./rotakey_0.1.0-1_amd64.deb && systemctl enable --now rotakey")
    journal = machine.run("journalctl --unit rotakey --output cat")
    value = rotated(machine, "the older version", re.search(r"TOKEN=(rk_\w+)", journal)[1])

    machine.run(upgrade)
    check("upgraded by the commands of the page", revision(machine) == "2" and machine.run("systemctl is-active rotakey").strip() == "active")
    value = rotated(machine, "this version", value)
    machine.run(back)
    check("and back, because every migration since admits the older version", revision(machine) == "1" and machine.run("systemctl is-active rotakey").strip() == "active")
    value = rotated(machine, "the older version again", value)
    machine.run(upgrade.replace("rotakey backup", "rotakey backup --force"))
    value = rotated(machine, "this version again", value)

    later = "import sqlite3; c = sqlite3.connect('/var/lib/rotakey/rotakey.db'); c.execute('INSERT INTO seaql_migrations VALUES (\\'m9999_later\\', 0)'); c.commit()"
    machine.run(f'runuser -u rotakey -- python3 -c "{later}"')
    said = machine.call(f"{back}journalctl --unit rotakey --output cat --since=-60s")
    check("after a later version, the older one refuses and says what to do", "a newer version of Rotakey has changed it (m9999_later)" in said and "restore the backup" in said, said)
    said = machine.run(f"{restore}\n{READY}")
    check("the backup is restored by the commands of the page", machine.run("systemctl is-active rotakey").strip() == "active")
    check("no value from before works", ask(machine, "/verify", value)[0] == 401)
    value = rotated(machine, "the older version, restored", re.search(r"^rk_\w+", said, re.MULTILINE)[0])
    machine.run(upgrade.replace("rotakey backup", "rotakey backup --force"))
    value = rotated(machine, "this version, at last", value)
    socket_activation(machine, value)
    without_ipv6(machine)


def socket_activation(machine, value):
    """As docs/deploy.md has it: the port stays open while the server is replaced."""
    machine.run("systemctl stop rotakey && systemctl enable --now rotakey.socket && systemctl start rotakey")
    status = machine.run("systemctl show rotakey --property=StatusText --property=Type --property=TriggeredBy")
    check("systemd passes the port, and knows that the server is ready", all(text in status for text in ["StatusText=Ready", "Type=notify", "TriggeredBy=rotakey.socket"]), status)
    # curl fails if a connection is refused or reset.
    asks = f"for number in $(seq 200); do curl --silent --fail --max-time 20 --output /dev/null --header 'X-API-Key: {value}' http://127.0.0.1:8080/verify || echo lost; done"
    main_process = "systemctl show rotakey --property=MainPID"
    said = machine.run(f"{main_process}; systemctl restart rotakey & restart=$!; {asks}; wait $restart; {main_process}")
    check("no connection is lost while it restarts", "lost" not in said, said)
    check("it was restarted", len(set(re.findall(r"MainPID=\d+", said))) == 2, said)
    machine.run("systemctl stop rotakey.socket rotakey")


def without_ipv6(machine):
    """As where the kernel has no IPv6: the server listens on all addresses that there are."""
    start = "systemd-run --unit=no-ipv6 --property='RestrictAddressFamilies=AF_INET AF_UNIX' --property=StateDirectory=no-ipv6 --working-directory=/var/lib/no-ipv6 rotakey serve --listen '[::]:8090'"
    answers = "timeout 30 bash -c 'until curl --silent --fail --max-time 5 --output /dev/null http://127.0.0.1:8090/readyz; do :; done'"
    said = machine.call(f"{start}\n{answers}\nrotakey healthcheck --listen '[::]:8090' && echo healthy\njournalctl --unit no-ipv6 --output cat")
    check("a server that listens on [::] answers where there is no IPv6", "healthy" in said.split() and "listening on all IPv4 addresses" in said, said)
    machine.run("systemctl stop no-ipv6")


use_machines(["db1"], pack, use)
