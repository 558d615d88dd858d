"""What the common flags say, before the command's name or after it, and the settings that follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from etl.settings import Settings


@dataclass(slots=True)
class Invocation:
    """One call of the program; `secrets` fills as they become known, for errors to leave them out."""

    config: str | None = None
    verbosity: int = 0
    log_format: str = "text"
    secrets: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        return self.verbosity < 0

    def settings(self, **flags: object) -> Settings:
        """The settings, with the logs set up to leave their secrets out."""
        from etl.settings import read_settings

        self.configure_logs()
        settings = read_settings({"config": self.config, **flags})
        self.secrets.extend(settings.secrets())
        self.configure_logs()
        return settings

    def configure_logs(self) -> None:
        from etl.logs import LogFormat, configure_logs

        configure_logs(verbosity=self.verbosity, log_format=LogFormat(self.log_format), secrets=self.secrets)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


class Command(click.Command):
    """A command that takes the common flags as well."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.extend(_common_options())


class Group(click.Group):
    """Commands under a name; a mistyped one is met with the nearest there is."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.extend(_common_options())

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which one meets them, not by the alphabet


def _common_options() -> list[click.Option]:
    return [
        click.Option(
            ["--config"],
            metavar="FILE",
            help="Read settings from this file.",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            help="Log each step to stderr; -vv each request.",
            expose_value=False,
            callback=_add_up,
        ),
        click.Option(
            ["-q", "--quiet"],
            count=True,
            help="Say only what went wrong.",
            expose_value=False,
            callback=_add_up,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            help="Form of the log lines.",
            expose_value=False,
            callback=_remember,
        ),
    ]


def _remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        setattr(context.ensure_object(Invocation), str(option.name), value)


def _add_up(context: click.Context, option: click.Parameter, count: int) -> None:
    context.ensure_object(Invocation).verbosity += count if option.name == "verbose" else -count
