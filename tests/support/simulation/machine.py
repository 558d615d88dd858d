"""A machine, on which one process of the program runs at a time, and the seam at which that meets a database.

An engine costs more than a whole simulated seed, so a machine keeps its own from seed to seed. A power cut
closes its connections without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from etl.engine import create_engine
from etl.settings import Settings

from support.simulation.process import Process

Connect = Callable[..., Any]  # makes a driver's connection, of a kind that passes by its machine


class Machine:
    """A name, an engine, and the process that is at work."""

    def __init__(self, name: str, settings: Settings, connect: Connect) -> None:
        self.name = name
        self.process: Process | None = None
        self.engine: Engine = create_engine(settings)
        self.connections: list[Any] = []  # of the driver's; each tells its machine of statements and commits
        self._connect = connect
        event.listen(self.engine, "do_connect", self._take_part)
        event.listen(self.engine, "connect", self._remember, insert=True)
        self.engine.connect().close()  # what an engine asks once, at its first connection, is no seed's

    def pass_by(self, place: str) -> None:
        if self.process is not None:
            self.process.at(place)

    def cut_power(self) -> None:
        """Every connection is gone, with whatever was not committed."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        self.engine.dispose()

    def _take_part(self, _dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        return self._connect(*arguments, **options)

    def _remember(self, connection: Any, _record: Any) -> None:
        connection.machine = self
        self.connections.append(connection)
