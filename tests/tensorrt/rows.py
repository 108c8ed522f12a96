#!/usr/bin/env python3
"""Each row of rows.md names tests that are there, and no row is missing."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Letter -> numbers.
ROWS = {
    "A": [*range(1, 9), 26, 27],
    "B": [*range(1, 7), *range(9, 23)],
    "C": [1, 2, *range(4, 12)],
    "F": [*range(1, 19)],
    "G": [*range(1, 11), 13],
    "H": [*range(1, 7)],
    "O": [*range(1, 7)],
}


def main():
    problems, seen = [], set()
    for line in (HERE / "rows.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 3 or cells[0] in ("Rows", "---"):
            continue
        seen.update(cells[0].split())
        for test in cells[2].split():
            path, _, name = test.partition(":")
            file = HERE / path
            if not file.is_file():
                problems.append(f"{cells[0]}: there is no file {path}")
            elif name and name not in file.read_text():
                problems.append(f"{cells[0]}: {path} has no {name}")
    wanted = {f"{letter}{number:02}" for letter, numbers in ROWS.items() for number in numbers}
    problems += [f"{row}: no test" for row in sorted(wanted - seen)]
    print("\n".join(problems) or f"{len(seen)} rows: ok")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
