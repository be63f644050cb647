"""The CSV files that benchmarks keep their figures in: what is in one is not measured again."""

import csv


def read(path):
    """Return the rows of a file as dicts of text, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path, columns, *rows):
    """Add rows to a file, after a first line of the columns if it is new."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(columns)
        writer.writerows(rows)
