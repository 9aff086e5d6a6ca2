#!/usr/bin/env python3
"""Reads a CSV of orders and writes a report: totals by month and customer, and how large orders are.

    jobyard script deploy examples/csv-report --name report --schedule "0 0 7 * * MON-FRI"
    jobyard script run report --wait                             # orders that orders.py makes up
    jobyard script run report --wait -- /srv/export/orders.csv   # yours, on the server
    jobyard script run report --wait --input my-orders.csv       # yours, sent along (up to 700 KB)

The CSV has the columns date (2026-11-21), customer and amount (12.50). Rows that cannot be read are counted and named;
when more than one in a hundred cannot be, the run fails. The report is written to report.json in the job's data folder.
Needs nothing but Python 3.8 or newer.
"""

import csv
import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import orders

AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,2})?")
DATE = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
SHOWN_FAULTS = 5
TOP = 10


class Report:
    """What is gathered from the rows. Amounts are whole cents, so that sums are exact."""

    def __init__(self):
        self.rows = 0
        self.faults = 0
        self.by_month = defaultdict(lambda: [0, 0])
        self.by_customer = defaultdict(lambda: [0, 0])
        self.amounts = []

    def add(self, month, customer, cents):
        for group in (self.by_month[month], self.by_customer[customer]):
            group[0] += 1
            group[1] += cents
        self.rows += 1
        self.amounts.append(cents)

    def percentile(self, percent):
        """The smallest amount that so many percent of the orders do not exceed (nearest rank)."""
        rank = max(1, -(-len(self.amounts) * percent // 100))
        return self.amounts[rank - 1]


def find_input(data):
    """The CSV: the argument, else what came with the run, else orders that are made up once and kept."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    if os.environ.get("JOBYARD_PAYLOAD_FILE"):
        return Path(os.environ["JOBYARD_PAYLOAD_FILE"])
    path = data / "orders.csv"
    if not path.exists():
        orders.write(path)
        print(f"Made up {orders.ROWS} orders in {path}")
    return path


def read(path):
    report = Report()
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        missing = {"date", "customer", "amount"} - set(rows.fieldnames or [])
        if missing:
            raise SystemExit(f"{path} has no column {', '.join(sorted(missing))}")
        for row in rows:
            fault = take(report, row)
            if fault is None:
                continue
            report.faults += 1
            if report.faults <= SHOWN_FAULTS:
                print(f"line {rows.line_num}: {fault}", file=sys.stderr)
    report.amounts.sort()
    return report


def take(report, row):
    """Adds a row; says what is wrong with one that cannot be added."""
    date, customer, amount = (str(row[key] or "").strip() for key in ("date", "customer", "amount"))
    if not DATE.fullmatch(date):
        return f"{date!r} is no date"
    if not customer:
        return "there is no customer"
    if not AMOUNT.fullmatch(amount):
        return f"{amount!r} is no amount"
    report.add(date[:7], customer, to_cents(amount))
    return None


def to_cents(amount):
    whole, _, fraction = amount.lstrip("-").partition(".")
    cents = int(whole) * 100 + int(fraction.ljust(2, "0") or 0)
    return -cents if amount.startswith("-") else cents


def show(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def table(title, rows):
    print(f"\n{title:<20} {'orders':>8} {'total':>16}")
    for name, (count, cents) in rows:
        print(f"{name:<20} {count:>8} {show(cents):>16}")


def save(report, path):
    """Replaces the former report as a whole, so that nobody ever reads half of one."""
    largest = sorted(report.by_customer.items(), key=lambda item: (-item[1][1], item[0]))
    document = {
        "rows": report.rows,
        "unreadable": report.faults,
        "totalCents": sum(report.amounts),
        "percentilesCents": {f"p{percent}": report.percentile(percent) for percent in (50, 90, 99)},
        "months": {month: {"orders": n, "cents": cents} for month, (n, cents) in sorted(report.by_month.items())},
        "customers": {name: {"orders": n, "cents": cents} for name, (n, cents) in largest},
    }
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return largest


def main():
    data = Path(os.environ["WEBJOBS_DATA_PATH"])
    path = find_input(data)
    try:
        report = read(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{path} cannot be read: {error}")
    if report.rows == 0:
        raise SystemExit(f"{path} holds no orders")
    largest = save(report, data / "report.json")
    table("month", sorted(report.by_month.items()))
    table(f"largest {min(TOP, len(largest))} customers", largest[:TOP])
    print(f"\n{report.rows:,} orders, {show(sum(report.amounts))} in all, {len(largest)} customers")
    print(", ".join(f"p{percent} {show(report.percentile(percent))}" for percent in (50, 90, 99)))
    print(f"Report: {data / 'report.json'}")
    if report.faults * 100 > report.rows + report.faults:
        raise SystemExit(f"{report.faults} rows cannot be read: more than one in a hundred")


if __name__ == "__main__":
    main()
