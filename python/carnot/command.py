"""The command `carnot` of an installed wheel."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Becomes the program that the wheel has."""
    program = Path(__file__).parent / "bin" / "carnot"
    if not program.exists():
        sys.exit("carnot: this package was not installed from a wheel: use build/<preset>/bin/carnot")
    os.execv(program, [str(program), *sys.argv[1:]])
