"""Whether the web process in this container answers, for the image's HEALTHCHECK: exit code 0 or 1. Standard library only: it runs every ten seconds.

Asked by the name of PUBLIC_URL, since AdsGem answers to no other.
"""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit


def healthy(port: int) -> bool:
    """Whether /health/live on this port says that all is well."""
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).netloc or "127.0.0.1"
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        asked.request("GET", "/health/live", headers={"Host": host})
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(sys.argv[1]) if len(sys.argv) > 1 else 8000) else 1)
