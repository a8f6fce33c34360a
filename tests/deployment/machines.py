"""Machines with systemd as process 1, made of namespaces, for tests that follow a page as an operator does.

Each is on the files of this computer, whose changes stay in memory. They share a network of their own. Needs root and systemd-container.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NETWORK = "10.77.0"
MASKED = ["nginx", "caddy", "prometheus", "prometheus-node-exporter", "pgbouncer", "postgresql", "systemd-timesyncd", "e2scrub_reap", "console-getty", "apt-daily.timer",
          "apt-daily-upgrade.timer", "man-db.timer", "dpkg-db-backup.timer", "systemd-networkd", "systemd-resolved", "networking"]
BOOT_SECONDS = 120
RESULTS = []


def check(what, good, why=""):
    RESULTS.append(bool(good))
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good or not why else f': {redacted(why)}'}", flush=True)


def redacted(text):
    return re.sub(r"rk_\w+", "rk_…", text)


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, **more)
    if done.returncode != 0:
        raise AssertionError(redacted(f"{command}: {done.stdout}"))
    return done.stdout


def until(what, seconds, holds):
    """Asks until this holds: what it returned, and how long that took."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if found := holds():
            return found, time.monotonic() - start
    sys.exit(f"FAIL not within {seconds} s: {what}")


class CannotBoot(Exception):
    """systemd does not come up in a machine, which has nothing of ours yet."""


def not_run(why):
    """Ends: this computer cannot do what the test needs."""
    print(f"not run: {why}", flush=True)
    sys.exit(0)


class Machine:
    """One machine, turned on."""

    def __init__(self, number, names, folder, packages):
        self.name = names[number]
        self.folder = folder / self.name
        self.address = f"{NETWORK}.{number + 1}"
        for part in ["changes", "work", "root"]:
            (self.folder / part).mkdir(parents=True)
        self.process = self.leader = None
        try:
            run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.folder}/changes,workdir={self.folder}/work", self.root)
        except AssertionError as why:
            raise CannotBoot(str(why)) from None
        self.write("etc/hostname", f"{self.name}\n")
        hosts = "".join(f"{NETWORK}.{one + 1} {name}\n" for one, name in enumerate(names))
        self.write("etc/hosts", f"127.0.0.1 localhost\n{hosts}")
        self.write("etc/machine-id", "")
        # This network has no registry: what is installed is new enough.
        self.write("etc/apt/apt.conf.d/99-no-upgrade", 'APT::Get::Upgrade "false";\n')
        (self.root / "root").mkdir(exist_ok=True)
        for package in packages:
            (self.root / "root" / package.name).write_bytes(package.read_bytes())
        for name in MASKED:
            unit = self.root / "etc/systemd/system" / (name if "." in name else f"{name}.service")
            unit.parent.mkdir(parents=True, exist_ok=True)
            unit.unlink(missing_ok=True)
            unit.symlink_to("/dev/null")
        # As after installing: the packages of the page have started nothing yet, or with their own settings.
        address = f"[Unit]\nDefaultDependencies=no\nBefore=network.target\n[Service]\nType=oneshot\nExecStart=ip address add {self.address}/24 dev host0\nExecStart=ip link set host0 up\n"
        self.write("etc/systemd/system/address.service", address)
        wants = self.root / "etc/systemd/system/sysinit.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "address.service").symlink_to("../address.service")

    @property
    def root(self):
        return self.folder / "root"

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).unlink(missing_ok=True)
        (self.root / path).write_text(text)

    def turn_on(self):
        # systemd in the machine says through this socket when it is up.
        path = str(self.folder / "notify")
        Path(path).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, open(self.folder / "console", "ab") as console:
            notified.bind(path)
            notified.settimeout(1)
            command = ["systemd-nspawn", f"--directory={self.root}", "--boot", "--keep-unit", "--register=no", "--notify-ready=yes", f"--machine={self.name}", "--network-bridge=machines"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env={**os.environ, "NOTIFY_SOCKET": path})
            said, end = "", time.monotonic() + BOOT_SECONDS
            while "READY=1" not in said:
                try:
                    said += notified.recv(4096).decode() + "\n"
                except TimeoutError:
                    if time.monotonic() > end or self.process.poll() is not None:
                        text = (self.folder / "console").read_text(errors="replace")[-3000:]
                        raise CannotBoot(f"{self.name} does not come up: {said}\n{text}") from None
        self.leader = re.search(r"^X_NSPAWN_LEADER_PID=(\d+)$", said, re.MULTILINE)[1]

    def command(self, script):
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive"]
        return ["nsenter", f"--target={self.leader}", "--all", "--wdns=/root", *environment, "bash", "-c", script]

    def call(self, script):
        """What it printed, whether it failed or not."""
        done = subprocess.run(self.command(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)
        return done.stdout

    def run(self, script):
        return run(*self.command(f"set -euo pipefail\n{script}"))

    def turn_off(self):
        """As by its power switch."""
        if self.leader is None:
            self.process.kill()
        else:
            os.kill(int(self.leader), 9)
        self.process.wait(60)

    def api(self, method, path, value=None, body=None):
        """The status and the answer of any replica that the HAProxy of this machine chooses."""
        headers = ["-H", f"X-API-Key: {value}"] if value else []
        data = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
        url = f"http://{self.address}{path}"
        curl = ["curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}", "--request", method, *headers, *data, url]
        text, _, status = subprocess.run(curl, stdout=subprocess.PIPE, text=True, timeout=60).stdout.rpartition("\n")
        return int(status or 0), json.loads(text) if text.startswith("{") else text


def network():
    """A network of their own for the machines, which ends with this process."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "machines", "type", "bridge")
    run("ip", "address", "add", f"{NETWORK}.254/24", "dev", "machines")
    run("ip", "link", "set", "machines", "up")


def built():
    """The binary of the tests."""
    cargo = ["cargo", "build", "--quiet", "--locked", "--bin", "rotakey", "--message-format=json"]
    lines = subprocess.run(cargo, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(path for line in lines if (path := json.loads(line).get("executable")))


def packed(folder, binary, revision="1"):
    """A Debian package of this binary."""
    run(ROOT / "packaging/build", env={**os.environ, "BINARY": str(binary), "LEVEL": "1", "REVISION": revision, "OUTPUT": str(folder)})
    package, = folder.glob("*.deb")
    return package


def use_machines(names, pack, use):
    """Turns on a machine for each name, with the packages that `pack` makes in a folder, and uses them. Ends this process."""
    if os.geteuid() != 0:
        not_run("this needs root")
    if os.environ.get("ROTAKEY_OWN_NETWORK") is None:
        if subprocess.run(["unshare", "--net", "--mount", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            not_run("this computer allows no namespaces")
        os.execvpe("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv], {**os.environ, "ROTAKEY_OWN_NETWORK": "1"})
    try:
        network()
    except AssertionError as why:
        not_run(f"this computer allows no network of its own: {why}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", folder)
        packages = pack(folder)
        machines = []
        try:
            for number in range(len(names)):
                machines.append(Machine(number, names, folder, packages))
                machines[-1].turn_on()
            check(f"{' and '.join(names)} boot" if len(names) > 1 else f"{names[0]} boots", True)
            use(machines)
        except CannotBoot as why:
            if not RESULTS:
                not_run(f"systemd does not boot in a namespace here: {why}")
            check("the machine boots again", False, str(why))
        except AssertionError as failed:
            check("the page", False, str(failed))
        finally:
            for machine in machines:
                if machine.process is not None and machine.process.poll() is None:
                    machine.turn_off()
                run("umount", machine.root)
            run("umount", folder)
    sys.exit(0 if all(RESULTS) else 1)
