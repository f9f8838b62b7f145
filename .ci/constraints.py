"""Print pip's constraints: the newest versions that the requirements files of REQUIREMENTS allow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

HEADER = """\
# Exact versions of what the requirements files ask for, and of what those packages need. `make` installs these.
# `make upgrade` writes this file anew; commit it once `make test` has passed with it.
"""
REQUIREMENTS = ("requirements-dev.txt", "requirements-cluster.txt")
BUILD_TOOLS = {"pip", "setuptools", "wheel"}  # a venv brings its own, which differ between versions of Python


def newest_versions(requirements: Sequence[str]) -> dict[str, str]:
    """Version by package name as pip resolves the requirements on this machine; nothing is installed."""
    resolve = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    resolve += [word for file in requirements for word in ("-r", file)]
    report = subprocess.run([sys.executable, "-m", "pip", *resolve], capture_output=True, text=True, check=True)
    packages = [item["metadata"] for item in json.loads(report.stdout)["install"]]
    return {package["name"]: package["version"] for package in packages if package["name"] not in BUILD_TOOLS}


if __name__ == "__main__":
    pins = sorted(newest_versions(REQUIREMENTS).items(), key=lambda pin: pin[0].lower())
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in pins))
