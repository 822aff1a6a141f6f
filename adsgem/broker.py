"""The embedded bell: a Celery broker in one small SQLite file of its own, for machines where nothing else is installed.

It may lose a message when a process is killed, and that is fine: the rows are the to-do list, and the sweep rings again.
"""

from __future__ import annotations

import json
import sqlite3
from functools import cached_property
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual

SCHEME = "adsgem-sqlite"
TABLE = "CREATE TABLE IF NOT EXISTS bell (id INTEGER PRIMARY KEY, queue TEXT NOT NULL, priority INTEGER NOT NULL, message TEXT NOT NULL)"
INDEX = "CREATE INDEX IF NOT EXISTS next_bell ON bell (queue, priority DESC, id)"
TAKE = "DELETE FROM bell WHERE id = (SELECT id FROM bell WHERE queue = ? ORDER BY priority DESC, id LIMIT 1) RETURNING message"


class Channel(virtual.Channel):
    """Put is an insert; get deletes the row it returns, so that two workers never hear the same ring."""

    @cached_property
    def file(self) -> sqlite3.Connection:
        """This channel's own connection. Celery hands a channel from thread to thread, but never to two at once."""
        path = self.connection.client.virtual_host  # type: ignore[union-attr]
        file = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
        for line in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", TABLE, INDEX):
            file.execute(line)
        self.empty_at: dict[str, int] = {}
        return file

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        row = (queue, self._get_message_priority(message), json.dumps(message))
        self.file.execute("INSERT INTO bell (queue, priority, message) VALUES (?, ?, ?)", row)
        self.empty_at.clear()  # data_version only tells of other connections

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        # data_version takes no lock, so that an idle worker may look fifty times a second.
        (version,) = self.file.execute("PRAGMA data_version").fetchone()
        if self.empty_at.get(queue) == version:
            raise Empty
        rows = self.file.execute(TAKE, (queue,)).fetchall()
        if not rows:
            self.empty_at[queue] = version
            raise Empty
        message: dict[str, Any] = json.loads(rows[0][0])
        return message

    def _size(self, queue: str) -> int:
        return int(self.file.execute("SELECT count(*) FROM bell WHERE queue = ?", (queue,)).fetchone()[0])

    def _purge(self, queue: str) -> int:
        return self.file.execute("DELETE FROM bell WHERE queue = ?", (queue,)).rowcount

    def close(self) -> None:
        """Give back what was not acknowledged, then close the file."""
        super().close()
        if file := self.__dict__.pop("file", None):
            file.close()


class Transport(virtual.Transport):
    """What kombu makes of an `adsgem-sqlite:///path` address."""

    Channel = Channel
    polling_interval = 0.02  # seconds
    driver_type = driver_name = "sqlite"
    connection_errors = (*virtual.Transport.connection_errors, sqlite3.OperationalError)


def register() -> None:
    """Teach kombu the address. It refuses dotted paths in broker URLs, so the scheme needs an alias."""
    TRANSPORT_ALIASES[SCHEME] = "adsgem.broker:Transport"
