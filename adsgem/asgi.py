"""For ASGI servers: what `manage.py up` starts, since the event stream needs it."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
application = get_asgi_application()
