"""Makes up 100,000 orders, the same ones every time: for trying out run.py without data of your own.

    python3 orders.py orders.csv
"""

import csv
import datetime
import os
import random
import sys

ROWS = 100_000
SEED = 20_261_121
CUSTOMERS = 400
FIRST_DAY = datetime.date(2025, 1, 1)
DAYS = 365 + 334


def rows(count=ROWS, seed=SEED):
    """Date, customer and amount of each order. Only random() is used, which gives the same numbers in all versions."""
    lot = random.Random(seed)
    for _ in range(count):
        day = FIRST_DAY + datetime.timedelta(days=int(lot.random() * DAYS))
        # Some customers order much more often than others, and small orders are more frequent than large ones.
        share, size = lot.random(), lot.random()
        customer = f"customer-{int(share * share * CUSTOMERS):03d}"
        cents = 250 + int(size * size * size * size * 480_000)
        yield day.isoformat(), customer, f"{cents // 100}.{cents % 100:02d}"


def write(path, count=ROWS, seed=SEED):
    """Writes the CSV; the file appears only when it is whole."""
    temporary = f"{path}.new"
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("date", "customer", "amount"))
        writer.writerows(rows(count, seed))
    os.replace(temporary, path)


if __name__ == "__main__":
    write(sys.argv[1] if len(sys.argv) > 1 else "orders.csv")
