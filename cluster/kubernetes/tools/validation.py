"""Objects against the schemas of Kubernetes, and custom resources against the ones in `schemas`."""
import functools
import json
import os

import jsonschema
import kubernetes_validate

# The versions that we declare: from the first that knows `lifecycle.preStop.sleep` to the last whose schema the package has.
OLDEST, NEWEST = "1.30", "1.37"
SCHEMAS = os.path.realpath(os.path.join(os.path.dirname(__file__), "../schemas"))


def complaints(objects: list[dict]) -> list[str]:
    """What is wrong with each object, as `schema: Kind name: …`."""
    return [f"schema: {item.get('kind')} {item.get('metadata', {}).get('name')}: {text}"
            for item in objects for text in _of_object(json.dumps(item, sort_keys=True))]


# The same object stands in many kustomizations.
@functools.cache
def _of_object(text: str) -> tuple[str, ...]:
    item = json.loads(text)
    group = item.get("apiVersion", "").rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        return _of_custom_resource(item)
    found = []
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"Kubernetes {version}: {_place(error)}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"Kubernetes {version} has no {item.get('apiVersion')} {item.get('kind')}")
    return tuple(found)


def _of_custom_resource(item: dict) -> tuple[str, ...]:
    path = os.path.join(SCHEMAS, item.get("kind", "").lower() + ".json")
    if not os.path.exists(path):
        return (f"no schema for {item.get('apiVersion')} {item.get('kind')} in {os.path.basename(SCHEMAS)}",)
    with open(path) as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    return tuple(f"{_place(error)}: {error.message}" for error in validator.iter_errors(item))


def _place(error) -> str:
    return ".".join(str(step) for step in error.absolute_path) or "the object"
