"""For WSGI servers: pages and API behind gunicorn threads. The event stream needs asgi.py."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
application = get_wsgi_application()
