"""Writes pipeline documents, one column a line, so that a message's line tells which column it means."""
import dataclasses
import json
import os
import re
import subprocess

from lib.surroundings import etlx_path

COMPLIANCE = {
    "purpose": "Testing", "legal_basis": ["GDPR Art. 6(1)(f)"], "controller": "Example Organisation",
    "data_protection_officer": "privacy@example.org", "data_subjects": ["Customers"],
    "recipients": ["The test itself"], "personal_data": ["Names"], "retention": "P1Y",
    "collection": "Public sample data, loaded by a test.", "limitations": ["Sample data"],
    "biases": ["Invented"], "use_cases": ["Testing"],
}


@dataclasses.dataclass
class Table:
    """`origin` is the value of `from:`; `columns` maps a column to its rule, as `json` would write both."""
    name: str
    origin: object
    columns: dict[str, object]
    where: str | None = None


class Document:
    """A pipeline document in `folder`, publishing to the store `folder`/store."""

    def __init__(
        self, folder: str, module: str, sources: dict[str, dict], tables: list[Table],
        compression: str | None = None, iceberg: bool = False,
    ):
        self.folder, self.module, self.sources, self.tables = folder, module, sources, tables
        self.compression, self.iceberg = compression, iceberg
        self.keys: dict[str, str] = {}
        self.store = os.path.join(folder, "store")
        self.path = os.path.join(folder, f"{module}.yaml")
        self.lines: dict[int, tuple[str, str]] = {}

    def with_key(self, name: str, content: bytes | None = None) -> "Document":
        """Adds a key: `content` if given (32 bytes), otherwise a new one from `etlx keys new`."""
        path = os.path.join(self.folder, f"{name}.key")
        if content is None:
            subprocess.run([etlx_path(), "keys", "new", path], check=True, capture_output=True)
        else:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
        self.keys[name] = path
        return self

    def write(self) -> str:
        """Writes the document and returns its path."""
        lines = [
            "format: 1", f"module: {self.module}", f"title: Test module {self.module}",
            "description: Written by an end-to-end test.", "license: https://creativecommons.org/licenses/by/4.0/",
            "url: https://data.example.org/test", "creator: {name: Example Organisation, url: https://example.org}",
            f"compliance: {text(COMPLIANCE)}", "sources:",
        ]
        lines += [f"  {name}: {text(source)}" for name, source in self.sources.items()]
        if self.keys:
            lines.append("keys:")
            lines += [f"  {name}: {text({'file': path})}" for name, path in self.keys.items()]
        lines.append("tables:")
        self.lines = {}
        for table in self.tables:
            lines.append(f"  {text(table.name)}:")
            lines.append(f"    from: {text(table.origin)}")
            if table.where:
                lines.append(f"    where: {text(table.where)}")
            lines.append("    columns:" if table.columns else "    columns: {}")
            for column, rule in table.columns.items():
                # YAML's plain form of a key ends at 1,024 characters.
                lines += [f"      ? {text(column)}", f"      : {text(rule)}"] if len(column) > 250 else [f"      {text(column)}: {text(rule)}"]
                self.lines[len(lines)] = (table.name, column)
        target = {"directory": self.store} | ({"compression": self.compression} if self.compression else {})
        target |= {"iceberg": True} if self.iceberg else {}
        lines.append(f"target: {text(target)}")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return self.path

    def columns_named(self, messages: str) -> set[tuple[str, str]]:
        """The (table, column) pairs that `FILE:LINE:COLUMN: error:` lines point at."""
        found = set()
        for line in re.findall(re.escape(os.path.basename(self.path)) + r":(\d+):\d+: error", messages):
            if int(line) in self.lines:
                found.add(self.lines[int(line)])
        return found


def relation(source: str, schema: str, table: str) -> str:
    """`from:` of a table; names that are no plain words are quoted."""
    parts = [part if re.fullmatch(r"\w+", part) else '"' + part.replace('"', '""') + '"' for part in (schema, table)]
    return ".".join([source, *parts])


def text(value: object) -> str:
    """A value as one line of YAML (of its subset JSON)."""
    return json.dumps(value, ensure_ascii=False)
