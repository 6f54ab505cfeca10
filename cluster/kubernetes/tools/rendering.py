"""Renders our kustomizations where no kustomize is at hand; a small part of it, told apart from it by a test.

Read are: `resources` (files and folders), `components`, `namespace`, `images` (name, newName, digest) and `patches`
with a `path` to a strategic merge. Every other key is refused, so nothing is left out in silence. A strategic merge here
knows: mappings are merged, `null` removes, the lists in MERGE_KEYS are merged by that key, every other list is replaced.
"""
import copy
import os

import yaml

# Lists of a pod that Kubernetes merges by a key; all others that our patches touch are replaced whole.
MERGE_KEYS = {
    "containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath",
    "ports": "containerPort",
}
CLUSTER_KINDS = {"Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
OUR_KEYS = {"apiVersion", "kind", "namespace", "resources", "components", "images", "patches"}


class RenderError(Exception):
    """A kustomization that this renderer cannot read as kustomize would."""


def render(folder: str) -> list[dict]:
    """The objects of a kustomization, in the order in which they are named."""
    return _render(folder, [])


def documents(path: str) -> list[dict]:
    """The objects of a file, without empty documents."""
    with open(path) as file:
        return [found for found in yaml.safe_load_all(file) if found is not None]


def _render(folder: str, below: list[dict]) -> list[dict]:
    where = os.path.join(folder, "kustomization.yaml")
    if not os.path.exists(where):
        raise RenderError(f"no {where}")
    (settings,) = documents(where)
    for key in settings:
        if key not in OUR_KEYS:
            raise RenderError(f"{where}: {key} is not read here; use kustomize itself")
    objects = list(below)
    for name in settings.get("resources", []):
        path = os.path.join(folder, name)
        objects += _render(path, []) if os.path.isdir(path) else documents(path)
    for name in settings.get("components", []):
        objects = _render(os.path.join(folder, name), objects)
    names = [identity(item) for item in objects]
    for name in names:
        if names.count(name) > 1:
            raise RenderError(f"{where}: {' '.join(name)} stands twice")
    for patch in settings.get("patches", []):
        if set(patch) != {"path"}:
            raise RenderError(f"{where}: of a patch only its path is read here; use kustomize itself")
        for change in documents(os.path.join(folder, patch["path"])):
            objects = _patched(objects, change, where)
    if "namespace" in settings:
        objects = [_in_namespace(item, settings["namespace"]) for item in objects]
    for image in settings.get("images", []):
        if not set(image) <= {"name", "newName", "digest"}:
            raise RenderError(f"{where}: of an image only name, newName and digest are read here; use kustomize itself")
        objects = [_with_image(item, image) for item in objects]
    return objects


def identity(item: dict) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _patched(objects: list[dict], change: dict, where: str) -> list[dict]:
    if not any(identity(item) == identity(change) for item in objects):
        raise RenderError(f"{where}: a patch for {' '.join(identity(change))}, which is not there")
    return [_merged(item, change) if identity(item) == identity(change) else item for item in objects]


def _merged(old: dict, change: dict) -> dict:
    new = copy.deepcopy(old)
    for key, value in change.items():
        if key.startswith("$"):
            raise RenderError(f"the directive {key} is not read here; use kustomize itself")
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict) and isinstance(new.get(key), dict):
            new[key] = _merged(new[key], value)
        elif isinstance(value, list) and key in MERGE_KEYS and isinstance(new.get(key), list) \
                and all(isinstance(item, dict) and MERGE_KEYS[key] in item for item in new[key] + value):
            new[key] = _merged_list(new[key], value, MERGE_KEYS[key])
        else:
            new[key] = copy.deepcopy(value)
    return new


def _merged_list(old: list[dict], changes: list[dict], by: str) -> list[dict]:
    known = {item[by] for item in old}
    changed = {item[by]: item for item in changes}
    return [copy.deepcopy(item) for item in changes if item[by] not in known] \
        + [_merged(item, changed[item[by]]) if item[by] in changed else item for item in old]


def _in_namespace(item: dict, namespace: str) -> dict:
    new = copy.deepcopy(item)
    if item["kind"] == "Namespace":
        new["metadata"]["name"] = namespace
    elif item["kind"] not in CLUSTER_KINDS:
        new["metadata"]["namespace"] = namespace
    return new


def _with_image(item, image: dict):
    """The same value with every container's image of that name replaced, its tag and digest with it."""
    if isinstance(item, list):
        return [_with_image(each, image) for each in item]
    if not isinstance(item, dict):
        return item
    new = {key: _with_image(value, image) for key, value in item.items()}
    for container in [each for key in ("containers", "initContainers") for each in new.get(key) or []]:
        found = container.get("image", "")
        name = found.split("@")[0]
        if ":" in name.rsplit("/", 1)[-1]:
            name = name[:name.rindex(":")]
        if name == image["name"]:
            rest = found[len(name):]
            container["image"] = image.get("newName", name) + (f"@{image['digest']}" if "digest" in image else rest)
    return new
