"""Checks a registry entry against the schema that the MCP registry published.

Usage: server_json.py FILE. The package `skillsaw` carries the schemas.
"""

import json
import sys
from importlib.resources import files

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
assert document["$schema"].endswith("/2025-12-11/server.schema.json"), document["$schema"]
place = files("skillsaw") / "schemas" / "mcp_registry" / "v2025_12_11" / "server.schema.json"
schema = json.loads(place.read_text(encoding="utf-8"))
assert schema["$id"] == document["$schema"], schema["$id"]
jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
# What the schema tells only in words: a bundle needs its hash.
assert len(document["packages"][0]["fileSha256"]) == 64, document
print("valid")
