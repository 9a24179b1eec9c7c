"""What a process tells whoever started it, on standard error.

Sentences, or with LAB_LOG=json an object of JSON a line, for programs that gather logs. No line
holds a password.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from urllib.parse import unquote, unquote_plus

_NAME = "lab"
_ADDRESSES = ("LAB_DATABASE_URL", "LAB_FILES_URL")
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_TELLING = ("password", "secret", "token")  # in the name of a part of an address
_HIDDEN = "***"


def log(event: str, message: str, level: int = logging.WARNING, job: int | None = None) -> None:
    """Tell what has happened: `event` is a word for programs, `message` a sentence for people.

    Sentences alone are written from WARNING on, objects of JSON from INFO on.
    """
    _logger().log(level, message, extra={"event": event, "job": job})


def log_error(error: BaseException, job: int | None = None) -> None:
    """An error that nobody foresaw, with its traceback."""
    what = f"{type(error).__name__}: {error}"
    _logger().error(what, exc_info=error, extra={"event": "error", "job": job})


def _is_json() -> bool:
    """Whether LAB_LOG asks for objects."""
    return os.environ.get("LAB_LOG", "") == "json"


def take_over_loggers() -> None:
    """With LAB_LOG=json what libraries log, and Python's warnings, become objects too."""
    if not _is_json():
        return
    logging.captureWarnings(True)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name != _NAME and logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
    logging.root.handlers[:] = [_ToStandardError()]


@cache
def _logger() -> logging.Logger:
    logger = logging.getLogger(_NAME)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_ToStandardError())
    return logger


class _ToStandardError(logging.Handler):
    """Writes to standard error, whatever that is just now."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line, or a traceback."""
        if _is_json():
            text = json.dumps(_as_object(record), ensure_ascii=False)
        elif record.levelno < logging.WARNING:
            return
        else:
            text = _traceback(record) or without_secrets(record.getMessage())
        with suppress(OSError, ValueError):  # nobody listens any more
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


def _as_object(record: logging.LogRecord) -> dict[str, str | int]:
    """What is known of it; an object holds no `job` where it is about none."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    about: dict[str, str | int] = {
        "time": f"{when}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "event": getattr(record, "event", record.name),
        "process": f"{platform.node()} {os.getpid()}",
        "message": without_secrets(record.getMessage()),
    }
    if (job := getattr(record, "job", None)) is not None:
        about["job"] = job
    if traceback := _traceback(record):
        about["traceback"] = traceback
    return about


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return without_secrets(logging.Formatter().formatException(record.exc_info))


def without_secrets(text: str) -> str:
    """The text, with the passwords of this process's environment hidden."""
    for secret in sorted(set(_secrets()), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets() -> Iterator[str]:
    """Passwords of addresses, as written and as meant, and keys."""
    for variable in _SECRETS:
        if secret := os.environ.get(variable):
            yield secret
    for variable in _ADDRESSES:
        address = os.environ.get(variable, "")
        # Everything up to the last @: a password that holds / or @ is not found otherwise
        login = address.partition("://")[2].rpartition("@")[0]
        if password := login.partition(":")[2]:
            yield from (password, unquote(password))
        for setting in address.partition("?")[2].split("&"):
            name, _, value = setting.partition("=")
            if value and any(word in name.lower() for word in _TELLING):
                yield from (value, unquote_plus(value))
