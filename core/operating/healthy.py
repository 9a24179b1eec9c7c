"""python -m core.operating.healthy: ends with 0 while the pages or the worker here are well.

For what looks after processes: Docker, systemd, Kubernetes. It asks where LAB_METRICS_PORT says.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

_SECONDS = 8.0


def main() -> int:
    """0, or 1 and one sentence."""
    port = os.environ.get("LAB_METRICS_PORT", "9100").rpartition(":")[2]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=_SECONDS):
            return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode().strip())
    except OSError as error:
        print(f"Nobody answers at port {port}: {error}.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
