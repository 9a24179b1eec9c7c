"""What signing in needs of whoever runs the lab: Authlib, and [auth] in a secrets.toml that can be
read.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from streamlit import config
from streamlit.auth_util import get_secrets_auth_section, is_authlib_installed

from core.language import comma
from core.specs import LabError
from pages.views.app.base_path import base_path

_KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_SHORTEST_SECRET = 32  # characters: whoever guesses it signs in as anybody


def check_settings() -> None:
    """Raises LabError where nobody can sign in, or where anybody could as somebody else."""
    if not is_authlib_installed():
        raise LabError(
            "Nobody can sign in: Authlib is not installed here."
            " pip install -r requirements-server.txt brings it."
        )
    settings = get_secrets_auth_section()
    missing = [key for key in _KEYS if not settings.get(key)]
    if missing:
        check_secrets_files()  # Streamlit takes one that is no TOML for one that is not there
        raise LabError(
            "Nobody can sign in: [auth] in .streamlit/secrets.toml does not say {settings}."
            " docs/deployment.md shows what belongs there.",
            settings=comma().join(missing),
        )
    if len(str(settings["cookie_secret"])) < _SHORTEST_SECRET:
        raise LabError(
            "Nobody can sign in: cookie_secret in .streamlit/secrets.toml has fewer than {least}"
            " characters. openssl rand -hex 32 makes a good one.",
            least=_SHORTEST_SECRET,
        )
    callback = f"{base_path()}oauth2callback"
    if not str(settings["redirect_uri"]).endswith(callback):
        raise LabError(
            "Nobody can sign in: redirect_uri in .streamlit/secrets.toml does not end with"
            " {callback}.",
            callback=callback,
        )


def check_secrets_files() -> None:
    """Raises LabError for a secrets.toml that is there but says nothing to Streamlit.

    One that cannot be read it answers with an error of its own to every request.
    """
    for path in map(Path, config.get_option("secrets.files")):
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except IsADirectoryError:
            if path.suffix != ".toml":  # of Kubernetes: a file in it for each secret
                continue
            raise LabError("{path} is a folder, and has to be a file.", path=str(path)) from None
        except OSError as error:
            raise LabError(
                "The user of the page server cannot read {path} ({reason}).",
                path=str(path),
                reason=error.strerror,
            ) from error
        except UnicodeDecodeError as error:
            raise LabError(
                "{path} is no text in UTF-8 (at line {line}).",
                path=str(path),
                line=error.object.count(b"\n", 0, error.start) + 1,
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise LabError(
                "{path} is not written as TOML is: {reason}. docs/deployment.md shows what belongs"
                " there.",
                path=str(path),
                reason=str(error),
            ) from error
