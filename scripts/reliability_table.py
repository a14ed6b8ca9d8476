#!/usr/bin/env python3
"""Writes RELIABILITY.md from what tests have reported.

    reliability_table.py --form long --profile release lib=LOG it=LOG memory=LOG fire=LOG

Figures that these logs say nothing of stay as the table has them, each with its own date and commit. The exit code is 1
when a test has failed or a binary has not come to its end.
"""

import argparse
import collections
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "RELIABILITY.md"
PROMISES = ROOT / "scripts" / "reliability.toml"

FIGURE = re.compile(r"figure \| (R\d+) \| ([^|]+?) \| (.*)$")
STARTED = re.compile(r"^test (\S+)(?: - should panic)? \.\.\.")
# With one thread the verdict stands on a line of its own when the test has printed anything.
ENDED = re.compile(r"(?:^|\.\.\. )(ok|FAILED|ignored.*)$")
ROW = re.compile(r"^\| (R\d+) \| .* \| .* \| (.*) \| `(.*)` \| (.*) \| .*\|$")
FAILED_ROW = re.compile(r"^- `(\w+) (\S+)`, (.*)$")

Figure = collections.namedtuple("Figure", "promise name text seen")


def read_log(path):
    """The figures of a log, the tests it ran, those that failed, and the exit code."""
    figures, ran, failed, code = [], [], [], 1
    running = None
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        if started := STARTED.search(line):
            running = started[1]
            ran.append(running)
        if figure := FIGURE.search(line):
            figures.append(figure.groups())
        elif running and (ended := ENDED.search(line)):
            if ended[1] == "FAILED":
                failed.append(running)
            running = None
        if line.startswith("ended with exit code "):
            code = int(line.rsplit(" ", 1)[1])
    if running:
        failed.append(running)
    return figures, ran, failed, code


def read_table():
    """The figures and failures that the table has already."""
    figures, failures = [], {}
    if not TABLE.exists():
        return figures, failures
    for line in TABLE.read_text().splitlines():
        if row := ROW.match(line):
            figures.append(Figure(row[1], row[3], row[2], row[4]))
        elif row := FAILED_ROW.match(line):
            failures[row[1], row[2]] = row[3]
    return figures, failures


def said(*command):
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.strip()


def machine():
    """The machine in one line a fact."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in said("lscpu").splitlines() if line.startswith("Model name")),
        "unknown",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system, device = (said("findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", tempfile.gettempdir()).split() + ["?", "?"])[:2]
    disk = said("lsblk", "-n", "-d", "-o", "MODEL", device) or "no model told"
    return [
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, kernel {platform.release()}",
        f"{system} on {device} ({disk}); a synced write of 4 KiB takes {sync_time():.2f} ms (median)",
    ]


def sync_time():
    """The median of how long this disk takes to sync one block, in milliseconds."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(101):
            file.write(bytes(4096))
            file.flush()
            begun = time.monotonic()
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - begun)
    return sorted(times)[50] * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--form", required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("logs", nargs="+", metavar="BINARY=LOG")
    given = parser.parse_args()

    commit = said("git", "rev-parse", "--short", "HEAD") or "no commit"
    if said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!RELIABILITY.md"):
        commit += " with changes"
    seen = f"{given.form}, {given.profile}, {datetime.date.today()}, {commit}"

    old, failures = read_table()
    new, broken = [], False
    for log in given.logs:
        binary, path = log.split("=", 1)
        figures, ran, failed, code = read_log(path)
        # A table cell ends at a stroke.
        new += [Figure(promise, name, text.replace("|", "/"), seen) for promise, name, text in figures]
        for test in ran:
            failures.pop((binary, test), None)
        failures.pop((binary, "(the run)"), None)
        for test in failed:
            failures[binary, test] = seen
        if code != 0:
            broken = True
            if not failed:
                failures[binary, "(the run)"] = f"{seen}: exit code {code}, see the log"

    measured = {(figure.promise, figure.name) for figure in new}
    figures = [figure for figure in old if (figure.promise, figure.name) not in measured] + new
    promises = tomllib.loads(PROMISES.read_text())
    TABLE.write_text(render(promises, figures, failures))
    for figure in figures:
        if figure.promise not in promises:
            print(f"reliability: {figure.name} speaks of {figure.promise}, which is no promise", file=sys.stderr)
            broken = True
    print(f"reliability: {len(new)} figures, {len(failures)} failures, in {TABLE.name}", file=sys.stderr)
    sys.exit(1 if broken or failures else 0)


def render(promises, figures, failures):
    lines = [
        "# Reliability",
        "",
        "What markgate promises under fire, and what its own tests saw. `make reliability` measures and writes this file anew;",
        "promises, aims and notes are in `scripts/reliability.toml`. Figures short of the aim stand here as they are.",
        "",
        *(f"- {fact}" for fact in machine()),
        "",
        "| # | promise | aim | figure seen | test | form, profile, date, commit | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, promise in promises.items():
        rows = [figure for figure in figures if figure.promise == number]
        note = promise.get("note", "")
        for index, figure in enumerate(rows):
            # What is the same for all rows of a promise is said once.
            first = (promise["promise"], promise["aim"], note) if index == 0 else ("", "", "")
            lines.append(
                f"| {number} | {first[0]} | {first[1]} | {figure.text} | `{figure.name}` | {figure.seen} | {first[2]} |"
            )
        if not rows:
            lines.append(f"| {number} | {promise['promise']} | {promise['aim']} | not measured | – | – | {note} |")
    lines += ["", "## Failed tests", ""]
    lines += [f"- `{binary} {test}`, {seen}" for (binary, test), seen in sorted(failures.items())] or ["None."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
