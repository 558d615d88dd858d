"""The version of this program, once; pyproject.toml reads it from here."""

from __future__ import annotations

VERSION = "0.1.0"
USER_AGENT = f"magpipe-etl/{VERSION}"
