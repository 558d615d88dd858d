"""What is known of one setting, kept as the metadata of its field in `Settings`."""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from typing import Any, Final

from etl.settings.origins import Found
from etl.settings.values import Kind


class _NotGiven:
    """Tells a setting that nobody gave from one that was given its default."""

    def __repr__(self) -> str:
        return "(not given)"


NOT_GIVEN: Final = _NotGiven()


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A setting's key in the file is `name`, its flag, where a command has one, is `--name`."""

    name: str
    kind: Kind[Any]
    default: Any
    variable: str
    meaning: str

    def parse(self, found: Found, faults: list[str]) -> Any:
        """The value; a fault and the default in place of one that cannot be used."""
        if found.value is None and self.default is None:
            return None  # nothing is what it may well be
        try:
            return self.kind.parse(found.value)
        except ValueError:
            faults.append(self.kind.fault(self.name, found.origin, found.value))
            return self.default


def setting(
    kind: Kind[Any], default: object, meaning: str, *, variable: str | None = None, shown: bool = True
) -> Any:
    """A field of `Settings`; its variable is ETL_NAME unless another is documented."""
    metadata = {"kind": kind, "default": default, "meaning": meaning, "variable": variable}
    return field(default=NOT_GIVEN, metadata=metadata, repr=shown)


def definition_of(item: Field[Any]) -> Definition:
    known = dict(item.metadata)
    known["variable"] = known["variable"] or f"ETL_{item.name.upper()}"
    return Definition(name=item.name, **known)
