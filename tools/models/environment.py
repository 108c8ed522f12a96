#!/usr/bin/env python3
"""A virtual environment under build/ with packages at pinned versions, installed when asked for.

Standard library only. `environment.py numpy pillow` installs those two and prints the interpreter.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_VENV = ROOT / "build" / "venv"
PIN_FILES = (ROOT / "tools/models/requirements-models.txt", ROOT / "bench/requirements.txt")


def normalized(name: str) -> str:
    """The package name as directories spell it: lower case, underscores."""
    return re.sub(r"[-_.]+", "_", name).lower()


def pins(path: Path) -> dict[str, str]:
    """The `name==version` lines of a requirement file, by normalized name."""
    found = {}
    for line in path.read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==(\S+)", line.strip()):
            found[normalized(match[1])] = match[2]
    return found


def installed(venv: Path) -> dict[str, str]:
    """Versions of the packages in `venv`, by normalized name, read from its directory names."""
    found = {}
    for entry in venv.glob("lib/python3*/site-packages/*.dist-info"):
        name, _, version = entry.name.removesuffix(".dist-info").partition("-")
        found[normalized(name)] = version
    return found


def python_of(venv: Path) -> Path:
    """The interpreter of `venv`; creates the environment if there is none."""
    python = venv / "bin" / "python"
    if not python.exists():
        print(f"environment: creating {shown(venv)}", file=sys.stderr, flush=True)
        venv.parent.mkdir(parents=True, exist_ok=True)
        if subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode:
            sys.exit(
                "environment: `python3 -m venv` failed; on Debian: apt-get install python3-venv"
            )
    return python


def ensure(packages: list[str], venv: Path = DEFAULT_VENV) -> Path:
    """Has `packages` in `venv` at the versions of PIN_FILES, or exits; returns its interpreter."""
    pinned = {name: version for path in PIN_FILES for name, version in pins(path).items()}
    if unknown := [name for name in packages if normalized(name) not in pinned]:
        sys.exit(
            f"environment: no pinned version of {', '.join(unknown)} in "
            + ", ".join(map(shown, PIN_FILES))
        )
    have = installed(venv)
    wanted = {normalized(name): pinned[normalized(name)] for name in packages}
    if all(have.get(name) == version for name, version in wanted.items()):
        return python_of(venv)
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(venv.with_suffix(".lock"), "w") as lock:  # two tools may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = python_of(venv)
        have = installed(venv)
        missing = [f"{n}=={v}" for n, v in wanted.items() if have.get(n) != v]
        if missing:
            print(f"environment: installing {' '.join(missing)}", file=sys.stderr, flush=True)
            constraints = [argument for path in PIN_FILES for argument in ("-c", str(path))]
            command = [str(python), "-m", "pip", "install", "-q", *constraints, *missing]
            if subprocess.run(command).returncode:
                sys.exit(
                    f"environment: pip could not install {' '.join(missing)}; "
                    "is a package index reachable?"
                )
    return python


def enter(packages: list[str], venv: Path = DEFAULT_VENV) -> None:
    """Restarts the running script under `venv` with `packages`, unless it runs there already."""
    python = ensure(packages, venv)
    if Path(sys.prefix).resolve() != venv.resolve():
        os.execv(python, [str(python), *sys.argv])


def shown(path: Path) -> str:
    """`path` as a message shows it: relative to the repository where it lies inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help="names pinned in the requirement files")
    parser.add_argument(
        "--venv", type=Path, default=DEFAULT_VENV, help="where the environment lies"
    )
    options = parser.parse_args()
    print(ensure(options.packages, options.venv.absolute()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
