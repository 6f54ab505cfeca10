"""The clinic's pipeline, run with one target or another."""
import json

from lib.checks import expect
from lib.etlx import Result, Running, run_well
from lib.s3 import CREDENTIALS
from lib.samples import clinic
from lib.surroundings import scratch


TARGET = "\ntarget: {directory: modules}"


class Clinic:
    """The clinic's pipeline in a folder of its own; the document's target is chosen at each run."""

    def __init__(self, patients: int = 300):
        self.folder = scratch("clinic-s3")
        self.path = clinic(self.folder, patients)
        run_well("keys", "new", f"{self.folder}/people.key")
        with open(self.path) as file:
            self.document = file.read()
        expect(TARGET in self.document, "the clinic's document has another target")
        with open(f"{self.folder}/patients.csv") as file:
            next(file)
            self.values = {field for line in list(file)[:50] for field in line.strip().split(",") if len(field) > 6}
        self.environment = CREDENTIALS | {
            "XDG_STATE_HOME": f"{self.folder}/state", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": f"{self.folder}/none", "AWS_SHARED_CREDENTIALS_FILE": f"{self.folder}/none"}

    def start(self, target: dict, **environment: str) -> Running:
        with open(self.path, "w") as file:
            file.write(self.document.replace(TARGET, f"\ntarget: {json.dumps(target)}"))
        return Running("run", self.path, "--workers", "2", env=self.environment | environment)

    def run(self, target: dict, **environment: str) -> Result:
        return self.start(target, **environment).wait(200)

    def run_well(self, target: dict, **environment: str) -> Result:
        result = self.run(target, **environment)
        expect(result.status == 0, f"the run ended with {result.status}: {result.text[-1500:]}")
        return result
