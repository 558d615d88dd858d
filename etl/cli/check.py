"""`check`: what stands between this configuration and a sync, one line each, with the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import console, first_exit_code, json_option, print_json
from etl.errors import EtlError, SettingsError

if TYPE_CHECKING:
    from etl.model import Account
    from etl.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `detail` is what was seen, `mend` what to do about it."""

    name: str
    ok: bool
    detail: str
    account: str | None = None
    mend: str | None = None
    exit_code: int = 0


@click.command(cls=Command, short_help="Try settings, keys, source and database.")
@json_option
@pass_invocation
def check(invocation: Invocation, *, as_json: bool) -> int:
    """Try settings, keys, source, database and migrations; costs one request an account.

    Ends with the exit code of the first that failed.
    """
    findings = []
    for finding in _find(invocation):
        findings.append(finding)
        if not as_json and not (finding.ok and invocation.quiet):
            _print(finding)
    if as_json:
        ok = all(finding.ok for finding in findings)
        print_json({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    return first_exit_code(findings)


def _find(invocation: Invocation) -> Iterator[Finding]:
    try:
        settings = invocation.settings()
    except SettingsError as error:
        yield from (_failed("settings", SettingsError([fault])) for fault in error.faults)
        return
    yield Finding(name="settings", ok=True, detail=_origin_of(settings))
    yield from (Finding(name="settings", ok=True, detail=f"but {odd}") for odd in settings.warnings)
    if not settings.accounts:
        yield _attempt("key", lambda: str(settings.select()))
    for account in settings.accounts:
        yield from _find_account(settings, account)
    yield from _find_database(settings)


def _find_account(settings: Settings, account: Account) -> Iterator[Finding]:
    key = _attempt("key", lambda: _look_at_key(account), account.name)
    yield key
    if key.ok:
        yield _attempt("source", lambda: _ask_source(settings, account), account.name)


def _find_database(settings: Settings) -> Iterator[Finding]:
    from etl.cli.database import look_at_version

    try:
        version = look_at_version(settings)
    except EtlError as error:
        yield _failed("database", error)
        return
    yield Finding(name="database", ok=True, detail=f"{settings.database_shown} can be used")
    yield _attempt("migrations", lambda: _judge_version(version))


def _attempt(name: str, look: Callable[[], str], account: str | None = None) -> Finding:
    try:
        return Finding(name=name, account=account, ok=True, detail=look())
    except EtlError as error:
        return _failed(name, error, account)


def _failed(name: str, error: EtlError, account: str | None = None) -> Finding:
    return Finding(
        name=name, account=account, ok=False, detail=str(error), mend=error.hint, exit_code=error.exit_code
    )


def _origin_of(settings: Settings) -> str:
    count = len(settings.accounts)
    accounts = f"{count} account{'' if count == 1 else 's'}"
    return f"{settings.config_file or 'no file'}, {accounts}, {settings.base_url}"


def _look_at_key(account: Account) -> str:
    from etl.settings.keys import key_warning

    odd = key_warning(account.api_key)
    return f"but {odd}" if odd else "has the documented form"


def _ask_source(settings: Settings, account: Account) -> str:
    from etl import app

    # Somebody waits: a second attempt tells a passing fault from one that stays.
    app.probe(replace(settings, max_attempts=min(settings.max_attempts, 2)), account)
    return "answers, and takes the key"


def _judge_version(version: str | None) -> str:
    from etl.migrate import HEAD, check_known

    if version is None:
        return "no tables yet; the first sync makes them"
    check_known(version)
    return (
        f"at version {version}, the newest"
        if version == HEAD
        else f"at {version}; a sync brings it to {HEAD}"
    )


def _print(finding: Finding) -> None:
    from rich.text import Text

    state = Text("ok    ", style="green") if finding.ok else Text("failed", style="red")
    account = f"{finding.account}: " if finding.account else ""
    out = console()
    out.print(state, f" {finding.name:10}  {account}{finding.detail}", soft_wrap=True)
    if finding.mend:
        out.print(f"{'':20}mend: {finding.mend}", soft_wrap=True)
