"""What signing in needs of whoever runs the lab: Authlib, and [auth] in secrets.toml."""

from __future__ import annotations

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
