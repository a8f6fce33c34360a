"""What the files of packaging must agree on, among themselves and with the binary."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
# After --drain, the server has this long for requests in flight and to close the database.
STOPPING_SECONDS = 20 + 5
RESULTS = []


def check(what, good):
    RESULTS.append(bool(good))
    print(f"{'ok  ' if good else 'FAIL'} {what}", flush=True)


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def of_kind(kind):
    """The one manifest of this kind."""
    folder = ROOT / "packaging/kubernetes"
    found = [one for path in sorted(folder.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text()) if one["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def kubernetes(variables):
    deployment, service, budget, policy = (of_kind(kind) for kind in ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"])
    pod = deployment["spec"]["template"]["spec"]
    container, = pod["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}
    check("Kubernetes: every variable is a setting", set(environment) <= variables)
    check("Kubernetes: a pod has the time to drain and to stop", seconds(environment["ROTAKEY_DRAIN"]) + STOPPING_SECONDS < pod["terminationGracePeriodSeconds"])
    probe = container["readinessProbe"]
    failing = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    check("Kubernetes: it drains for longer than the readiness probe takes to fail", seconds(environment["ROTAKEY_DRAIN"]) > failing)
    check("Kubernetes: no probe but of readiness asks for the database", [container[f"{name}Probe"]["httpGet"]["path"] for name in ["startup", "liveness", "readiness"]] == ["/healthz", "/healthz", "/readyz"])
    ports = {one["name"]: str(one["containerPort"]) for one in container["ports"]}
    listens = {"http": environment["ROTAKEY_LISTEN"], "metrics": environment["ROTAKEY_METRICS_LISTEN"]}
    check("Kubernetes: the ports are those it listens on", all(listens[name].endswith(f":{port}") for name, port in ports.items()) and len(ports) == 2)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"], budget["spec"]["selector"]["matchLabels"], policy["spec"]["podSelector"]["matchLabels"]]
    selectors += [one["labelSelector"]["matchLabels"] for one in pod["topologySpreadConstraints"]]
    check("Kubernetes: every selector finds the pods", all(selector == labels for selector in selectors))
    check("Kubernetes: three replicas, of which two stay", deployment["spec"]["replicas"] - budget["spec"]["maxUnavailable"] == 2 and deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0)
    rights = [container["securityContext"]["readOnlyRootFilesystem"], not container["securityContext"]["allowPrivilegeEscalation"], container["securityContext"]["capabilities"] == {"drop": ["ALL"]},
              pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", not pod["automountServiceAccountToken"]]
    check("Kubernetes: the pod asks for no rights, as the restricted profile demands", all(rights))
    secret = pod["volumes"][0]["secret"]
    mount = container["volumeMounts"][0]
    check("Kubernetes: the secret is where it is read", environment["ROTAKEY_DATABASE_URL_FILE"] == f"{mount['mountPath']}/{secret['items'][0]['path']}")
    listed = yaml.safe_load((ROOT / "packaging/kubernetes/kustomization.yaml").read_text())["resources"]
    files = {path.name for path in (ROOT / "packaging/kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    check("Kubernetes: the kustomization has every manifest", set(listed) == files)


def compose(variables):
    file = yaml.safe_load((ROOT / "packaging/compose/compose.yaml").read_text())
    replicas = {name: service for name, service in file["services"].items() if name.startswith("rotakey-")}
    check("compose: three replicas", len(replicas) == 3)
    nginx = (ROOT / "packaging/compose/nginx.conf").read_text()
    check("compose: nginx knows each", re.findall(r"server (rotakey-\d):8080", nginx) == list(replicas))
    for name, service in replicas.items():
        check(f"compose: {name}: every variable is a setting", set(service["environment"]) <= variables)
        drain = seconds(service["environment"]["ROTAKEY_DRAIN"])
        check(f"compose: {name}: it has the time to drain and to stop", drain + STOPPING_SECONDS < seconds(service["stop_grace_period"]))
        check(f"compose: {name}: no secret is in the environment", "ROTAKEY_DATABASE_URL" not in service["environment"])
        check(f"compose: {name}: without rights", service["read_only"] and service["cap_drop"] == ["ALL"])
    waits = [one["condition"] for service in file["services"].values() for one in service.get("depends_on", {}).values()]
    check("compose: what is waited for is healthy", waits and set(waits) == {"service_healthy"})
    check("compose: every image has a version", all(re.search(r":\d", file["services"][name]["image"]) for name in ["nginx", "database"]))


def image(commands):
    text = (ROOT / "Dockerfile").read_text()
    health = re.search(r'HEALTHCHECK .* CMD \["/usr/bin/rotakey", "(\w+)"\]', text)[1]
    check("image: the health check is a command", health in commands)
    last = text.split("\nFROM ")[-1]
    check("image: not root", re.search(r"^USER 65532:65532$", last, re.MULTILINE))


def unit():
    text = (ROOT / "packaging/systemd/rotakey.service").read_text()
    page = (ROOT / "docs/deploy.md").read_text()
    stop = seconds(re.search(r"^TimeoutStopSec=(\w+)$", text, re.MULTILINE)[1])
    named = seconds(re.search(r"enough for --drain (\w+)\.", text)[1])
    check("unit: it has the time to drain and to stop", named + STOPPING_SECONDS < stop)
    check("the page says the grace of Kubernetes", f"of the {of_kind('Deployment')['spec']['template']['spec']['terminationGracePeriodSeconds']} that it has to stop" in page)


def main(binary):
    help = subprocess.run([binary, "serve", "--help"], check=True, capture_output=True, text=True, env={}).stdout
    variables = set(re.findall(r"\[env:\s+(\w+)", help))
    assert len(variables) > 15
    commands = re.findall(r"^  (\w+)", subprocess.run([binary, "--help"], check=True, capture_output=True, text=True, env={}).stdout, re.MULTILINE)
    kubernetes(variables)
    compose(variables)
    image(commands)
    unit()
    sys.exit(0 if all(RESULTS) else 1)


main(sys.argv[1])
