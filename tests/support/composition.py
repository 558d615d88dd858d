"""docker-compose.yml as it is meant to be read: merged, and with its variables filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fastjsonschema
import yaml

from support.sources import text_of

# The published schema of the Compose Specification (Apache-2.0), as its project keeps it.
SCHEMA = Path(__file__).with_name("compose-spec.json")
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<sign>[?-])(?P<rest>[^}]*))?\}")


def composition() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text_of("docker-compose.yml"))
    return found


def services() -> dict[str, Any]:
    found: dict[str, Any] = composition()["services"]
    return found


def own_services() -> dict[str, Any]:
    """Those that run this program."""
    return {name: service for name, service in services().items() if "build" in service}


def check(document: dict[str, Any]) -> None:
    """Raise what the schema says against the document."""
    fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))(document)
