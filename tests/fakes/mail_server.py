"""A small mail server that speaks SMTP on this machine, keeps what it gets, and refuses when it is told to."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """`letters` are the e-mails it took; `answers` are what it says to the next recipients in place of 250."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.letters: list[EmailMessage] = []
        self.answers: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if word == "QUIT":
                return self._say("221 bye")
            if word == "RCPT" and self.server.answers:
                self._say(self.server.answers.pop(0))
            elif word == "DATA":
                self._say("354 go on")
                self._take()
            else:
                self._say("250 fine")
        return None

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.letters.append(email.message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running one."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
