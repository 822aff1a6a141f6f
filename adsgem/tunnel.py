"""A public https address for this machine through ngrok, when somebody asks for it: `up --share`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from adsgem import env


class TunnelError(Exception):
    """There is no tunnel. The message says what to do."""


def open_address(port: int) -> str:
    """Open a tunnel to a port of this machine and give its https address. Raises TunnelError."""
    try:
        from pyngrok import conf, exception, ngrok
    except ImportError as error:
        raise TunnelError("--share needs the package pyngrok. Run script/setup again.") from error
    token, domain = env.text("NGROK_AUTHTOKEN"), env.text("NGROK_DOMAIN")
    if not token:
        raise TunnelError("--share needs your ngrok token: set NGROK_AUTHTOKEN (https://dashboard.ngrok.com/get-started/your-authtoken).")
    # Everything of ngrok's stays in our folder; an agent that is installed already is used as it is.
    folder = env.private_folder(Path(settings.DATA_DIR) / "ngrok")
    # In a file and not on the command line, where every account of this machine could read it.
    env.write_private(folder / "ngrok.yml", {"version": "3", "agent": {"authtoken": token}})
    agent = env.text("PYNGROK_NGROK_PATH") or shutil.which("ngrok") or str(folder / "ngrok")
    config = conf.PyngrokConfig(ngrok_path=agent, config_path=str(folder / "ngrok.yml"))
    config.auth_token = None  # it took the token from the environment by itself
    conf.set_default(config)
    options: dict[str, Any] = {"url": f"https://{domain}"} if domain else {}
    try:
        opened = ngrok.connect(f"http://127.0.0.1:{port}", "http", pyngrok_config=config, **options)
    except exception.PyngrokError as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise TunnelError(f"ngrok did not open an address: {reason}") from error
    return str(opened.public_url).replace("http://", "https://", 1)


def close() -> None:
    """Close the tunnel, if one is open."""
    from pyngrok import ngrok

    ngrok.kill()
