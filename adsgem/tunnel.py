"""A public https address for this machine through ngrok, when somebody asks for it: `manage.py share`, which is `up --share`.

The tunnel is a process of its own beside web and workers (`manage.py tunnel`): it ends with them, and is opened again when it breaks. What they
need to know of each other stands in the folder `ngrok` of the data folder: whom the guard lets in, and the address as it is now.
"""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from adsgem import env

GUARDS_NAME = "adsgem"
# The API asks everybody for a token of its own, in the header that the guard would need.
GUARDED = "!req.url.path.startsWith('/api/v1/')"


class TunnelError(Exception):
    """There is no tunnel. The message says what to do."""


def folder() -> Path:
    """Where everything of ngrok's is: nothing is written elsewhere."""
    return env.private_folder(Path(settings.DATA_DIR) / "ngrok")


def agent() -> Path:
    """ngrok's program: one that is installed already, else the one that is downloaded into our folder."""
    return Path(env.text("PYNGROK_NGROK_PATH") or shutil.which("ngrok") or folder() / "ngrok")


def check() -> None:
    """Raises TunnelError when no tunnel can be opened, whatever the network."""
    if not env.text("NGROK_AUTHTOKEN"):
        raise TunnelError("--share needs your ngrok token: set NGROK_AUTHTOKEN (https://dashboard.ngrok.com/get-started/your-authtoken).")


def begin() -> str:
    """Forget the address of an earlier run, and make the password that the guard asks for in this one."""
    _address_file().unlink(missing_ok=True)
    password = env.token()[:20]
    env.write_private(folder() / "guard.json", {"user": GUARDS_NAME, "password": password})
    return password


def forget() -> None:
    """The run is over: neither its address nor its password is good any more."""
    for name in ("address.json", "guard.json"):
        (folder() / name).unlink(missing_ok=True)


def address() -> str:
    """The public address as it is now; empty when none is open."""
    try:
        return str(json.loads(_address_file().read_text())["url"])
    except (OSError, ValueError, KeyError):
        return ""


def open_address(port: int) -> str:
    """Open a tunnel to a port of this machine and give its https address. Raises TunnelError."""
    try:
        from pyngrok import conf, exception, ngrok
    except ImportError as error:
        raise TunnelError("--share needs the package pyngrok. Run script/setup again.") from error
    check()
    # In a file and not on the command line, where every account of this machine could read it.
    config_file = folder() / "ngrok.yml"
    env.write_private(config_file, {"version": "3", "agent": {"authtoken": env.text("NGROK_AUTHTOKEN")}})
    config = conf.PyngrokConfig(ngrok_path=str(agent()), config_path=str(config_file))
    config.auth_token = None  # it took the token from the environment by itself
    conf.set_default(config)
    options: dict[str, Any] = {"traffic_policy": _guard()}
    if domain := env.text("NGROK_DOMAIN"):
        options["url"] = f"https://{domain}"
    try:
        opened = ngrok.connect(f"http://127.0.0.1:{port}", "http", pyngrok_config=config, **options)
    except exception.PyngrokError as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise TunnelError(f"ngrok did not open an address: {reason}") from error
    url = str(opened.public_url).replace("http://", "https://", 1)
    env.write_private(_address_file(), {"url": url})
    return url


def alive() -> bool:
    """Whether ngrok's program still runs."""
    from pyngrok import conf, process

    path = conf.get_default().ngrok_path
    return bool(process.is_process_running(path))


def close() -> None:
    """Close the tunnel, if one is open."""
    from pyngrok import ngrok

    ngrok.kill()


def code_for_phones(url: str) -> str:
    """The address as a QR code of block letters, for a terminal of either colour."""
    import qrcode

    code, drawn = qrcode.QRCode(border=2), io.StringIO()
    code.add_data(url)
    code.print_ascii(out=drawn, invert=True)
    return drawn.getvalue()


def _guard() -> dict[str, Any]:
    """ngrok's own sign-in before ours. Raises TunnelError when nobody made a password: no tunnel is opened without."""
    try:
        known = json.loads((folder() / "guard.json").read_text())
        credentials = [f"{known['user']}:{known['password']}"]
    except (OSError, ValueError, KeyError) as error:
        raise TunnelError("A tunnel is opened by manage.py share, which makes its password.") from error
    action = {"type": "basic-auth", "config": {"realm": "AdsGem", "credentials": credentials}}
    return {"on_http_request": [{"expressions": [GUARDED], "actions": [action]}]}


def _address_file() -> Path:
    return folder() / "address.json"
