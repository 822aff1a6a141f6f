"""The embedded bell: a Celery broker in one small SQLite file of its own, for machines where nothing else is installed.

It may lose a message when a process is killed, and that is fine: the rows are the to-do list, and the sweep rings again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import unquote, urlsplit

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
        self.empty_at: dict[str, int] = {}
        return opened(self.connection.client.virtual_host)  # type: ignore[union-attr]

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
    connection_errors = (*virtual.Transport.connection_errors, sqlite3.DatabaseError)


def opened(path: str, patience: float = 20.0) -> sqlite3.Connection:
    """The bell's file, made when it is not there. Raises sqlite3.OperationalError when others hold it for longer than `patience` seconds."""
    file = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    deadline = time.monotonic() + patience
    while True:
        try:
            for line in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", TABLE, INDEX):
                file.execute(line)
            return file
        except sqlite3.OperationalError:
            # Changing to WAL does not wait for others that change to it in the same moment, whatever the timeout.
            if time.monotonic() > deadline:
                file.close()
                raise
            time.sleep(0.01)


def mend(address: str) -> None:
    """Remove the file of an embedded bell when a power cut has broken it: it holds nothing that the sweep does not know."""
    path = Path(unquote(urlsplit(address).path[1:]))
    if not address.startswith(f"{SCHEME}:") or not path.exists():
        return
    try:
        with closing(opened(str(path))) as file:
            sound = file.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)


def register() -> None:
    """Teach kombu the address. It refuses dotted paths in broker URLs, so the scheme needs an alias."""
    TRANSPORT_ALIASES[SCHEME] = "adsgem.broker:Transport"
