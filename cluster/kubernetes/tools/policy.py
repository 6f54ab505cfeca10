"""What we demand of our own manifests beyond their schemas. Each rule has a name, which its complaints begin with.

A rule is a function of all objects of a kustomization that yields complaints; `RULES` lists them. What a rule looks at is
documented on it. Tests break each of them once.
"""
import re
from collections.abc import Iterator

USER = 65532
# Made by hand, from files that no repository holds: README.md, "Secrets".
SECRETS = {"etlx-coordinator-files", "etlx-data-files", "etlx-coordinator-tls", "etlx-keeper-tls", "etlx-worker-tls"}
CONFIG_MAPS = {"etlx-jwks"}
# The Secret with masking keys and the sources' URLs.
DATA_SECRET = "etlx-data-files"

SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(^|_)KEY", re.IGNORECASE)
URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@|[?&]password=", re.IGNORECASE)
DIGEST = re.compile(r"^[^@]+@sha256:[0-9a-f]{64}$")


class Pod:
    """A pod template and what it belongs to."""

    def __init__(self, owner: dict):
        self.owner = owner
        self.template = owner["spec"]["template"]
        self.spec = self.template["spec"]
        self.labels = self.template["metadata"].get("labels", {})
        self.name = f"{owner['kind']} {owner['metadata']['name']}"

    def containers(self, with_init: bool = True) -> list[dict]:
        return self.spec.get("containers", []) + (self.spec.get("initContainers", []) if with_init else [])


def pods(objects: list[dict]) -> list[Pod]:
    return [Pod(item) for item in objects if item["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet")]


def each_container(objects: list[dict], with_init: bool = True) -> Iterator[tuple[Pod, dict, str]]:
    for pod in pods(objects):
        for container in pod.containers(with_init):
            yield pod, container, f"{pod.name}, container {container['name']}"


def selects(selector: dict, labels: dict) -> bool:
    """Whether a label selector takes a pod with these labels; an empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", []):
        has, values = labels.get(term["key"]), term.get("values", [])
        if not {"In": has in values, "NotIn": has not in values, "Exists": has is not None,
                "DoesNotExist": has is None}[term["operator"]]:
            return False
    return True


# Rules about one container or pod

def security_setting(pod: Pod, container: dict, key: str):
    """A container's own setting, else its pod's."""
    return container.get("securityContext", {}).get(key, pod.spec.get("securityContext", {}).get(key))


def non_root(objects):
    """runAsNonRoot is true."""
    for pod, container, name in each_container(objects):
        if security_setting(pod, container, "runAsNonRoot") is not True:
            yield f"{name}: runAsNonRoot is not true"


def user(objects):
    """The user and the group are 65532, the ones of the image; no fsGroup, which would open the join token to a group."""
    for pod in pods(objects):
        if "fsGroup" in pod.spec.get("securityContext", {}):
            yield f"{pod.name}: fsGroup is set"
    for pod, container, name in each_container(objects):
        for key in ("runAsUser", "runAsGroup"):
            if security_setting(pod, container, key) != USER:
                yield f"{name}: {key} is not {USER}"


def read_only_root(objects):
    """The root file system is read-only."""
    for _, container, name in each_container(objects):
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{name}: readOnlyRootFilesystem is not true"


def escalation(objects):
    """No process gains rights: no escalation, nothing privileged."""
    for _, container, name in each_container(objects):
        settings = container.get("securityContext", {})
        if settings.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation is not false"
        if settings.get("privileged"):
            yield f"{name}: is privileged"


def capabilities(objects):
    """All capabilities are dropped, none added."""
    for _, container, name in each_container(objects):
        found = container.get("securityContext", {}).get("capabilities", {})
        if found.get("drop") != ["ALL"] or found.get("add"):
            yield f"{name}: capabilities are not dropped all"


def seccomp(objects):
    """The runtime's seccomp profile is used."""
    for pod, container, name in each_container(objects):
        if (security_setting(pod, container, "seccompProfile") or {}).get("type") != "RuntimeDefault":
            yield f"{name}: seccompProfile is not RuntimeDefault"


def host(objects):
    """Nothing of the node is shared: no namespace, path or port."""
    for pod in pods(objects):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                yield f"{pod.name}: {key}"
        for volume in pod.spec.get("volumes", []):
            if "hostPath" in volume:
                yield f"{pod.name}: volume {volume['name']} is a path of the node"
    for _, container, name in each_container(objects):
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{name}: a port of the node"


def latest(objects):
    """No image has a tag that moves."""
    for _, container, name in each_container(objects):
        image = container.get("image", "")
        last = image.split("@")[0].rsplit("/", 1)[-1]
        if last.endswith(":latest") or (":" not in last and "@" not in image):
            yield f"{name}: the image is the latest of its name"


def digest(objects):
    """Every image is named by its digest."""
    for _, container, name in each_container(objects):
        if not DIGEST.match(container.get("image", "")):
            yield f"{name}: the image is not named by a digest"


def secrets(objects):
    """No secret in arguments or in the environment, which other processes, logs and `kubectl describe` show; files only."""
    for _, container, name in each_container(objects):
        for variable in container.get("env", []):
            value = variable.get("value", "")
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield f"{name}: {variable['name']} is filled from a Secret"
            if URL_WITH_PASSWORD.search(value) or (SECRET_NAME.search(variable["name"]) and value and value[0] != "/"):
                yield f"{name}: {variable['name']} may hold a secret"
        if any("secretRef" in source for source in container.get("envFrom", [])):
            yield f"{name}: the environment is filled from a Secret"
        for argument in container.get("command", []) + container.get("args", []):
            if URL_WITH_PASSWORD.search(argument):
                yield f"{name}: an argument may hold a secret"
    for item in objects:
        if item["kind"] == "Secret":
            yield f"Secret {item['metadata']['name']}: stands in a manifest"
        if item["kind"] == "ConfigMap" and any(URL_WITH_PASSWORD.search(text) for text in item.get("data", {}).values()):
            yield f"ConfigMap {item['metadata']['name']}: may hold a secret"


def keys(objects):
    """Masking keys and the sources' URLs are mounted where rows are, and nowhere else; a coordinator never sees them."""
    for pod in pods(objects):
        mounted = {volume.get("secret", {}).get("secretName") for volume in pod.spec.get("volumes", [])}
        if DATA_SECRET in mounted and pod.labels.get("app.kubernetes.io/component") not in ("keeper", "worker", "backfill"):
            yield f"{pod.name}: mounts {DATA_SECRET}"


def memory(objects):
    """Memory that is asked for is memory that is given: a node can not take it back from a running shard."""
    for _, container, name in each_container(objects):
        resources = container.get("resources", {})
        asked, most = resources.get("requests", {}).get("memory"), resources.get("limits", {}).get("memory")
        if asked is None or asked != most:
            yield f"{name}: requests.memory is not limits.memory"
        if "cpu" not in resources.get("requests", {}):
            yield f"{name}: no requests.cpu"


def probes(objects):
    """Programs that stay are probed over HTTP: start, life and readiness, life by a path that asks no one else."""
    for _, container, name in each_container(objects, with_init=False):
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            if container.get(probe, {}).get("httpGet", {}).get("path") != path:
                yield f"{name}: {probe} does not ask {path}"


def drain(objects):
    """A pod is given time: a pause before the signal, and longer than the program's own --grace after it."""
    for pod, container, name in each_container(objects, with_init=False):
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if not pause:
            yield f"{name}: no preStop sleep"
        grace = argument_after(container, "--grace")
        if int(grace or 0) + pause >= pod.spec.get("terminationGracePeriodSeconds", 30):
            yield f"{name}: --grace and the pause leave no time within terminationGracePeriodSeconds"


def automount(objects):
    """No token of the Kubernetes API in a pod; a token that is mounted has an audience of its own."""
    for item in objects:
        if item["kind"] == "ServiceAccount" and item.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {item['metadata']['name']}: automountServiceAccountToken is not false"
    for pod in pods(objects):
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: automountServiceAccountToken is not false"
        for volume in pod.spec.get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []):
                if "serviceAccountToken" in source and not source["serviceAccountToken"].get("audience"):
                    yield f"{pod.name}: the token in {volume['name']} has no audience"


def scratch(objects):
    """Every emptyDir has a limit; what holds secrets lies in memory."""
    for pod in pods(objects):
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{pod.name}: volume {volume['name']} has no sizeLimit"
            if volume["name"] == "private" and (volume.get("emptyDir") or {}).get("medium") != "Memory":
                yield f"{pod.name}: volume private does not lie in memory"


# Rules about objects together

def namespace(objects):
    """The namespace enforces the restricted pod security standard, and every object of ours is in it."""
    names = set()
    for item in objects:
        if item["kind"] == "Namespace":
            names.add(item["metadata"]["name"])
            if item["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
                yield f"Namespace {item['metadata']['name']}: pod security is not enforced as restricted"
    for item in objects:
        if item["kind"] not in ("Namespace", "PriorityClass") and item["metadata"].get("namespace") not in names:
            yield f"{item['kind']} {item['metadata']['name']}: is in no namespace of these manifests"


def network(objects):
    """Everything is denied both ways to start with; each pod has rules of its own, none of them for everybody."""
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    denied = {kind for item in policies for kind in item["spec"].get("policyTypes", [])
              if item["spec"]["podSelector"] == {} and not item["spec"].get("ingress") and not item["spec"].get("egress")}
    for kind in ("Ingress", "Egress"):
        if kind not in denied:
            yield f"{kind} is not denied by default"
        for pod in pods(objects):
            if not any(item["spec"].get(kind.lower()) and selects(item["spec"]["podSelector"], pod.labels)
                       for item in policies):
                yield f"{pod.name}: no NetworkPolicy has {kind} for it"
    for item in policies:
        for rule in item["spec"].get("ingress", []) + item["spec"].get("egress", []):
            peers = rule.get("from", []) + rule.get("to", [])
            wide = any(peer.get("ipBlock", {}).get("cidr") in ("0.0.0.0/0", "::/0") or peer.get("namespaceSelector") == {}
                       for peer in peers)
            if not peers or not rule.get("ports") or wide:
                yield f"NetworkPolicy {item['metadata']['name']}: a rule for everybody or every port"


def references(objects):
    """What an object names is there: accounts, classes, volumes, ports, Secrets, ConfigMaps, selected pods, targets."""
    def names(kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in objects if item["kind"] == kind}

    for pod in pods(objects):
        if pod.spec.get("serviceAccountName") not in names("ServiceAccount"):
            yield f"{pod.name}: no ServiceAccount {pod.spec.get('serviceAccountName')}"
        if pod.spec.get("priorityClassName") not in names("PriorityClass"):
            yield f"{pod.name}: no PriorityClass {pod.spec.get('priorityClassName')}"
        for volume in pod.spec.get("volumes", []):
            secret, config = volume.get("secret", {}).get("secretName"), volume.get("configMap", {}).get("name")
            if secret and secret not in SECRETS:
                yield f"{pod.name}: no Secret {secret}"
            if config and config not in CONFIG_MAPS | names("ConfigMap"):
                yield f"{pod.name}: no ConfigMap {config}"
        selector = pod.owner["spec"].get("selector")
        if selector and not selects(selector, pod.labels):
            yield f"{pod.name}: its selector does not take its own pods"
    for pod, container, name in each_container(objects):
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: no volume {mount['name']}"
        ports = {port.get("name") for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if isinstance(port, str) and port not in ports:
                yield f"{name}: {probe} asks the port {port}, which is not there"
        for variable in container.get("env", []):
            wanted = variable.get("valueFrom", {}).get("configMapKeyRef")
            if wanted and not any(item["kind"] == "ConfigMap" and item["metadata"]["name"] == wanted["name"]
                                  and wanted["key"] in item.get("data", {}) for item in objects):
                yield f"{name}: no key {wanted['key']} in ConfigMap {wanted['name']}"
    for item in objects:
        name = f"{item['kind']} {item['metadata']['name']}"
        if item["kind"] == "Service":
            if not any(selects({"matchLabels": item["spec"]["selector"]}, pod.labels) for pod in pods(objects)):
                yield f"{name}: selects no pod"
        if item["kind"] == "PodDisruptionBudget":
            taken = [pod for pod in pods(objects) if selects(item["spec"]["selector"], pod.labels)]
            if not taken:
                yield f"{name}: selects no pod"
            # A Job has no number of replicas to take a share of, and such a budget then permits nothing at all.
            if any(pod.owner["kind"] == "Job" for pod in taken):
                yield f"{name}: selects pods of a Job"
        if item["kind"] == "ServiceMonitor":
            if not any(other["kind"] == "Service" and selects(item["spec"]["selector"], other["metadata"].get("labels", {}))
                       and {port["name"] for port in other["spec"]["ports"]} >= {end["port"] for end in item["spec"]["endpoints"]}
                       for other in objects):
                yield f"{name}: no Service with its labels and ports"
        if item["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"):
            target = item["spec"]["scaleTargetRef"]
            found = [pod for pod in pods(objects) if pod.name == f"{target['kind']} {target['name']}"]
            if not found:
                yield f"{name}: scales what is not there"
            for pod in found:
                if "replicas" in pod.owner["spec"]:
                    yield f"{pod.name}: its number of replicas is both fixed and scaled"


def budgets(objects):
    """Each kind of pod that stays may be drained, and not all of it at once."""
    budget = [item for item in objects if item["kind"] == "PodDisruptionBudget"]
    for pod in pods(objects):
        if pod.owner["kind"] == "Job":
            continue
        own = [item for item in budget if selects(item["spec"]["selector"], pod.labels)]
        if len(own) != 1 or own[0]["spec"].get("maxUnavailable") in (None, 0, "0%", "100%"):
            yield f"{pod.name}: no PodDisruptionBudget with a maxUnavailable between none and all"


def slots(objects):
    """What an autoscaler divides by is the number of slots that a worker has."""
    for item in objects:
        if item["kind"] == "ScaledObject":
            by = {trigger["metadata"].get("threshold") for trigger in item["spec"]["triggers"]}
        elif item["kind"] == "HorizontalPodAutoscaler":
            by = {metric["external"]["target"].get("averageValue") for metric in item["spec"]["metrics"]}
        else:
            continue
        target = item["spec"]["scaleTargetRef"]["name"]
        has = {argument_after(container, "--slots") for pod, container, _ in each_container(objects, with_init=False)
               if pod.owner["metadata"]["name"] == target}
        if by != has:
            yield f"{item['kind']} {item['metadata']['name']}: divides by {sorted(map(str, by))}, a worker has {sorted(map(str, has))} slots"


def argument_after(container: dict, option: str) -> str | None:
    found = container.get("args", [])
    return found[found.index(option) + 1] if option in found[:-1] else None


RULES = [non_root, user, read_only_root, escalation, capabilities, seccomp, host, latest, digest, secrets, keys, memory, probes,
         drain, automount, scratch, namespace, network, references, budgets, slots]


def site(objects):
    """Nothing is left as the base has it: a site has set its image, its addresses and its names."""
    for _, container, name in each_container(objects):
        image = container.get("image", "")
        if image.endswith("0" * 64) or "registry.example/" in image or ".example/" in image:
            yield f"{name}: the image is the placeholder"
    for item in objects:
        name = f"{item['kind']} {item['metadata']['name']}"
        if item["kind"] == "NetworkPolicy":
            for rule in item["spec"].get("egress", []):
                for peer in rule.get("to", []):
                    # RFC 5737: addresses for documentation, which no network has.
                    if peer.get("ipBlock", {}).get("cidr", "").startswith(("192.0.2.", "198.51.100.", "203.0.113.")):
                        yield f"{name}: the address is the placeholder"
        if item["kind"] == "ConfigMap" and any(re.search(r"\.example\b", text) for text in item.get("data", {}).values()):
            yield f"{name}: a value is the placeholder"


def complaints(objects: list[dict], for_site: bool = False) -> list[str]:
    """What breaks a rule, as `rule: where: what`. With `for_site` also what a site must have set and has not."""
    return [f"{rule.__name__}: {text}" for rule in RULES + ([site] if for_site else []) for text in rule(objects)]
