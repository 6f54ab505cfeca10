"""What breaks the rules of cluster/kubernetes/tools/policy.py, each at least once."""


def find(objects: list[dict], kind: str, name: str) -> dict:
    return next(item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name))


def each(change):
    """A mutation of one container; tried on every container of every pod."""
    return ("container", change)


def one(kind, name, change):
    """A mutation of one object."""
    def apply(objects):
        change(find(objects, kind, name))
    return ("objects", apply)


def pod_of(item):
    return item["spec"]["template"]["spec"]


def put(place, **values):
    place.update(values)


def security(container, **values):
    container["securityContext"].update(values)


# Rule → mutations, each with words of the complaint that it must bring.
MUTATIONS = {
    "non_root": [(each(lambda c: security(c, runAsNonRoot=False)), "runAsNonRoot is not true")],
    "user": [(each(lambda c: security(c, runAsUser=0)), "runAsUser is not 65532"),
             (each(lambda c: security(c, runAsGroup=0)), "runAsGroup is not 65532"),
             (one("Deployment", "etlx-keeper", lambda d: put(pod_of(d)["securityContext"], fsGroup=65532)), "Deployment etlx-keeper: fsGroup is set")],
    "read_only_root": [(each(lambda c: c["securityContext"].pop("readOnlyRootFilesystem")), "readOnlyRootFilesystem")],
    "escalation": [(each(lambda c: security(c, allowPrivilegeEscalation=True)), "allowPrivilegeEscalation"),
                   (each(lambda c: security(c, privileged=True)), "is privileged")],
    "capabilities": [(each(lambda c: c["securityContext"].pop("capabilities")), "not dropped all"),
                     (each(lambda c: security(c, capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]})), "not dropped all")],
    "seccomp": [(each(lambda c: security(c, seccompProfile={"type": "Unconfined"})), "seccompProfile")],
    "host": [(one("Deployment", "etlx-worker", lambda d: put(pod_of(d), hostNetwork=True)), "hostNetwork"),
             (one("Deployment", "etlx-worker", lambda d: put(pod_of(d), hostPID=True)), "hostPID"),
             (one("Deployment", "etlx-keeper", lambda d: pod_of(d)["volumes"].append({"name": "n", "hostPath": {"path": "/"}})), "a path of the node"),
             (one("Deployment", "etlx-worker", lambda d: put(pod_of(d)["containers"][0]["ports"][0], hostPort=1)), "a port of the node")],
    "latest": [(each(lambda c: put(c, image="registry.test/etlx:latest")), "the latest of its name"),
               (each(lambda c: put(c, image="registry.test:5000/etlx")), "the latest of its name"),
               (each(lambda c: put(c, image="registry.test/etlx:latest@sha256:" + "5e" * 32)), "the latest of its name")],
    "digest": [(each(lambda c: put(c, image="registry.test/etlx:1.0")), "not named by a digest"),
               (each(lambda c: put(c, image="registry.test/etlx@sha256:5e5e")), "not named by a digest")],
    "secrets": [
        (each(lambda c: put(c, env=[{"name": "PGPASSWORD", "value": "canary"}])), "PGPASSWORD may hold a secret"),
        (each(lambda c: put(c, env=[{"name": "API_KEY", "value": "canary"}])), "API_KEY may hold a secret"),
        (each(lambda c: put(c, env=[{"name": "URL", "value": "postgresql://a:canary@b/c"}])), "URL may hold a secret"),
        (each(lambda c: put(c, env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}])), "filled from a Secret"),
        (each(lambda c: put(c, envFrom=[{"secretRef": {"name": "a"}}])), "filled from a Secret"),
        (each(lambda c: c["args"].append("postgresql://a:canary@b/c")), "an argument may hold a secret"),
        (each(lambda c: c["args"].append("postgresql://b/c?password=canary")), "an argument may hold a secret"),
        (one("ConfigMap", "etlx-site", lambda m: put(m["data"], ledger="postgresql://a:canary@b/c")), "ConfigMap etlx-site"),
        (("objects", lambda o: o.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "etl-express"}})),
         "Secret s: stands in a manifest")],
    "keys": [(one("StatefulSet", "etlx-coordinator", lambda s: put(pod_of(s)["volumes"][0]["secret"], secretName="etlx-data-files")),
              "StatefulSet etlx-coordinator: mounts etlx-data-files")],
    "memory": [(each(lambda c: put(c["resources"]["limits"], memory="9Gi")), "requests.memory is not limits.memory"),
               (each(lambda c: c.pop("resources")), "requests.memory is not limits.memory"),
               (each(lambda c: c["resources"]["requests"].pop("cpu")), "no requests.cpu")],
    "probes": [(one("Deployment", "etlx-worker", lambda d: pod_of(d)["containers"][0].pop("livenessProbe")), "livenessProbe"),
               (one("Deployment", "etlx-keeper", lambda d: pod_of(d)["containers"][0].pop("readinessProbe")), "readinessProbe"),
               (one("Job", "etlx-backfill", lambda d: pod_of(d)["containers"][0].pop("startupProbe")), "startupProbe"),
               (one("StatefulSet", "etlx-coordinator", lambda d: put(
                   pod_of(d)["containers"][0]["livenessProbe"]["httpGet"], path="/readyz")), "livenessProbe does not ask /livez")],
    "drain": [(one("Deployment", "etlx-worker", lambda d: pod_of(d)["containers"][0].pop("lifecycle")), "no preStop sleep"),
              (one("Deployment", "etlx-worker", lambda d: put(pod_of(d), terminationGracePeriodSeconds=270)), "leave no time")],
    "automount": [(one("ServiceAccount", "etlx-worker", lambda a: a.pop("automountServiceAccountToken")), "ServiceAccount etlx-worker"),
                  (one("Deployment", "etlx-worker", lambda d: pod_of(d).pop("automountServiceAccountToken")), "Deployment etlx-worker"),
                  (one("Deployment", "etlx-worker", lambda d: next(
                      v for v in pod_of(d)["volumes"] if v["name"] == "join")["projected"]["sources"][0]["serviceAccountToken"].pop("audience")),
                   "has no audience")],
    "scratch": [(one("Deployment", "etlx-worker", lambda d: next(
                    v for v in pod_of(d)["volumes"] if v["name"] == "scratch")["emptyDir"].pop("sizeLimit")), "scratch has no sizeLimit"),
                (one("Deployment", "etlx-worker", lambda d: next(
                    v for v in pod_of(d)["volumes"] if v["name"] == "private")["emptyDir"].pop("medium")), "does not lie in memory")],
    "namespace": [(one("Namespace", "etl-express", lambda n: put(n["metadata"]["labels"], **{"pod-security.kubernetes.io/enforce": "baseline"})),
                   "not enforced as restricted"),
                  (one("Service", "etlx-coordinator", lambda s: put(s["metadata"], namespace="default")), "is in no namespace")],
    "network": [
        (("objects", lambda o: o.remove(find(o, "NetworkPolicy", "etlx-default-deny"))), "Egress is not denied by default"),
        (("objects", lambda o: o.remove(find(o, "NetworkPolicy", "etlx-default-deny"))), "Ingress is not denied by default"),
        (one("Deployment", "etlx-worker", lambda d: put(d["spec"]["template"]["metadata"], labels={"app": "x"})),
         "Deployment etlx-worker: no NetworkPolicy has Egress for it"),
        (one("NetworkPolicy", "etlx-metrics", lambda n: put(n["spec"]["podSelector"], matchLabels={"app": "x"})),
         "Deployment etlx-worker: no NetworkPolicy has Ingress for it"),
        (one("NetworkPolicy", "etlx-to-sources", lambda n: n["spec"]["egress"].append({})), "for everybody or every port"),
        (one("NetworkPolicy", "etlx-to-sources", lambda n: n["spec"]["egress"][0].pop("ports")), "for everybody or every port"),
        (one("NetworkPolicy", "etlx-to-store", lambda n: put(n["spec"]["egress"][0]["to"][0], ipBlock={"cidr": "0.0.0.0/0"})),
         "for everybody or every port")],
    "references": [
        (one("Deployment", "etlx-worker", lambda d: put(pod_of(d), serviceAccountName="default")), "no ServiceAccount default"),
        (one("Deployment", "etlx-worker", lambda d: put(pod_of(d), priorityClassName="high")), "no PriorityClass high"),
        (one("Deployment", "etlx-worker", lambda d: put(pod_of(d)["volumes"][0]["secret"], secretName="etlx-date-files")), "no Secret etlx-date-files"),
        (one("StatefulSet", "etlx-coordinator", lambda d: put(next(
            v for v in pod_of(d)["volumes"] if v["name"] == "jwks")["configMap"], name="etlx-jwk")), "no ConfigMap etlx-jwk"),
        (one("Deployment", "etlx-worker", lambda d: put(d["spec"]["selector"]["matchLabels"], tier="x")), "does not take its own pods"),
        (one("Deployment", "etlx-worker", lambda d: put(pod_of(d)["containers"][0]["volumeMounts"][0], name="privat")), "no volume privat"),
        (one("Deployment", "etlx-worker", lambda d: put(pod_of(d)["containers"][0]["livenessProbe"]["httpGet"], port="web")), "asks the port web"),
        (one("ConfigMap", "etlx-site", lambda m: m["data"].pop("ledger")), "no key ledger in ConfigMap etlx-site"),
        (one("Service", "etlx-coordinator", lambda s: put(s["spec"]["selector"], tier="x")), "Service etlx-coordinator: selects no pod"),
        (one("PodDisruptionBudget", "etlx-worker", lambda b: put(b["spec"]["selector"]["matchLabels"], tier="x")), "selects no pod"),
        (one("PodDisruptionBudget", "etlx-worker", lambda b: put(
            b["spec"]["selector"]["matchLabels"], **{"app.kubernetes.io/component": "backfill"})), "selects pods of a Job"),
        (one("ServiceMonitor", "etlx", lambda m: put(m["spec"]["endpoints"][0], port="web")), "no Service with its labels and ports"),
        (one("ScaledObject", "etlx-worker", lambda s: put(s["spec"]["scaleTargetRef"], name="worker")), "scales what is not there"),
        (one("Deployment", "etlx-worker", lambda d: put(d["spec"], replicas=2)), "both fixed and scaled")],
    "budgets": [(("objects", lambda o: o.remove(find(o, "PodDisruptionBudget", "etlx-keeper"))), "Deployment etlx-keeper: no PodDisruptionBudget"),
                (one("PodDisruptionBudget", "etlx-coordinator", lambda b: put(b["spec"], maxUnavailable=0)), "StatefulSet etlx-coordinator")],
    "slots": [(one("ScaledObject", "etlx-worker", lambda s: put(s["spec"]["triggers"][0]["metadata"], threshold="3")),
              "ScaledObject etlx-worker: divides by ['3']"),
              (one("HorizontalPodAutoscaler", "etlx-worker", lambda s: put(
                  s["spec"]["metrics"][0]["external"]["target"], averageValue="3")), "HorizontalPodAutoscaler etlx-worker: divides by ['3']")],
}
