#!/usr/bin/env python3
"""Measures the gate beside the references of an independent bench, and says what it reaches of what it is to reach.

    MARKGATE_BENCH=FOLDER scripts/beside.py [WORK ...]      works: W1 W2 W3 W4; without any, all of them

FOLDER has bench.py (default: the bench that lies beside the project); what that builds and generates goes into $BENCH_HOME. The gate is
built for release. Each reference and each way to acknowledge take turns, MARKGATE_BENCH_ROUNDS (5) times; medians are compared. Only
ratios of one run mean something, and only on a machine at rest. The exit code is 1 when a row is not reached, 2 when something could
not be measured.
"""

import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = pathlib.Path(os.environ.get("MARKGATE_BENCH", ROOT.parent / "shared" / "bench"))
HOME = pathlib.Path(os.environ.get("BENCH_HOME", pathlib.Path.home() / ".cache" / "markgate-bench"))
# Megabytes of a mebibyte.
MEBI = (1 << 20) / 1e6
ROUNDS = os.environ.get("MARKGATE_BENCH_ROUNDS", "5")

# What is sent, and over how many associations at a time.
WORKS = {"W1": (1, 8, 16, 32), "W2": (1,), "W3": (1,), "W4": (1,)}
SUBJECTS = {"cut": "ref-cut", "spool": "ref-spool", "delivered": None, "spooled": None}

# What the bench itself fills in stays as it is: {port}, {sink} and {dir}.
CONFIGURATION = ROOT / "benches" / "store_forward" / "gate.toml.in"
GIVEN = {"{institution}": "北京示范医院", "{mode}": "tag"}

# What is measured of whom, at least or at most so many times what a reference does, and a little more.
Row = collections.namedtuple("Row", "ack measure unit least_times most_times more of")


def rows(work, associations):
    """What is to be reached with a work."""
    rate, unit = ("img_s", "images/s") if work in ("W1", "W3") else ("MB_s", "MB/s")
    found = []
    if associations == 1:
        found.append(Row("delivered", rate, unit, 0.8, None, 0, "cut"))
    if work == "W3":
        found.append(Row("spooled", "p50", "ms p50", None, 1, 0.1, "spool"))
    elif associations < 32:
        found.append(Row("spooled", rate, unit, 1 if associations == 1 else 2, None, 0, "spool"))
    if associations == 1:
        found.append(Row("delivered", "cpu_s", "s of a processor", None, 3, 0, "cut"))
        found.append(Row("spooled", "cpu_s", "s of a processor", None, 1.5, 0, "spool"))
    most = 96 if associations == 32 else 64
    return found + [Row(ack, "rss_MB", "MB of memory", None, 0, most * MEBI, "spool") for ack in ("delivered", "spooled")]


def configuration(ack):
    """The template of the gate's configuration, for the bench."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    for name, value in {"{ack}": ack, **GIVEN}.items():
        text = text.replace(name, value)
    return text


def run(work, associations, subject, place, out):
    """One round of one subject."""
    command = [sys.executable, "bench.py", "peers", "--peers", SUBJECTS[subject]]
    if SUBJECTS[subject] is None:
        template = place / f"{subject}.toml.in"
        template.write_text(configuration(subject), encoding="utf-8")
        gate = f"{target()}/release/markgate serve --config {{config}}"
        command = [sys.executable, "bench.py", "proxy"]
        command += ["--proxy-cmd", gate, "--config-template", str(template)]
    command += ["-w", work, "--assoc", str(associations), "-n", "1", "--label", subject, "--work", str(place), "-o", str(out)]
    subprocess.run(command, cwd=BENCH, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "BENCH_HOME": str(HOME)})


def target():
    """Where Cargo builds."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def emptied(place):
    """Gives back what files take of the disk. They are removed when all is over: ext4 without a journal looks through what was removed
    within five minutes whenever a file is made, and each run would weigh on those behind it."""
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, 0)


def measured(work, associations, rounds, place):
    """The medians of all rounds: for each subject its measures."""
    out = place / f"{work}-{associations}.jsonl"
    for _ in range(rounds):
        for subject in SUBJECTS:
            spool = pathlib.Path(tempfile.mkdtemp(prefix=subject, dir=place))
            run(work, associations, subject, spool, out)
            emptied(spool)
    records = collections.defaultdict(list)
    for line in out.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["peer"] == "direct":
            continue
        if not record["complete"]:
            raise RuntimeError(f"{record['label']} did not come to its end with {work}: {record['err']}")
        records[record["label"]].append(record)
    medians = {}
    for subject in SUBJECTS:
        of = records[subject]
        if len(of) < rounds:
            raise RuntimeError(f"{subject} was not measured with {work}")
        measures = ("img_s", "MB_s", "p50", "p99", "cpu_s", "rss_MB")
        medians[subject] = {name: statistics.median(record[name] for record in of) for name in measures}
    return medians


def asked():
    """The works that are asked for, and how many rounds of each."""
    works = sys.argv[1:] or list(WORKS)
    for work in works:
        if work not in WORKS:
            raise RuntimeError(f"{work} is no work: there are {', '.join(WORKS)}")
    if not ROUNDS.isdecimal() or int(ROUNDS) < 1:
        raise RuntimeError(f"MARKGATE_BENCH_ROUNDS is {ROUNDS!r}, and takes a number from 1 on")
    return works, int(ROUNDS)


def prepare():
    """Builds the gate and what the bench needs."""
    if not (BENCH / "bench.py").is_file():
        raise RuntimeError(f"there is no bench.py in {BENCH}: set MARKGATE_BENCH")
    subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "markgate"], cwd=ROOT, check=True)
    environment = {**os.environ, "BENCH_HOME": str(HOME)}
    if not (HOME / "target" / "release" / "bref").exists():
        subprocess.run([sys.executable, "bench.py", "build"], cwd=BENCH, check=True, env=environment)
    if not (HOME / "data" / "W4").is_dir():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
        subprocess.run([HOME / "venv" / "bin" / "pip", "install", "--quiet", "pydicom", "numpy"], check=True)
        subprocess.run([sys.executable, "bench.py", "gen", "W0", *WORKS], cwd=BENCH, check=True, env=environment)


def compared(work, associations, medians):
    """Tells what was measured and what of it is reached. Gives the number of rows that are, and of all."""
    print(f"\n{work}, {associations} at a time, medians of {ROUNDS}")
    print(f"  {'':<10} {'images/s':>9} {'MB/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU s':>7} {'RSS MB':>7}")
    for subject, of in medians.items():
        print(
            f"  {subject:<10} {of['img_s']:>9.0f} {of['MB_s']:>8.0f} {of['p50']:>8.2f}"
            f" {of['p99']:>8.2f} {of['cpu_s']:>7.2f} {of['rss_MB']:>7.1f}"
        )
    reached = []
    for row in rows(work, associations):
        value, beside = medians[row.ack][row.measure], medians[row.of][row.measure]
        is_least = row.least_times is not None
        bound = (row.least_times if is_least else row.most_times) * beside + row.more
        reached.append(value >= bound if is_least else value <= bound)
        word = "reached" if reached[-1] else "NOT REACHED"
        sign = ">=" if is_least else "<="
        print(f"  {row.ack:<10} {value:>9.2f} {sign} {bound:<9.2f} {row.unit:<17} {word}", flush=True)
    return sum(reached), len(reached)


def main():
    works, rounds = asked()
    prepare()
    reached, all_rows = 0, 0
    with tempfile.TemporaryDirectory(dir=target(), prefix="beside") as folder:
        for work in works:
            for associations in WORKS[work]:
                medians = measured(work, associations, rounds, pathlib.Path(folder))
                of_this, of_all = compared(work, associations, medians)
                reached += of_this
                all_rows += of_all
    print(f"\n{reached} of {all_rows} rows are reached")
    return 0 if reached == all_rows else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, subprocess.CalledProcessError, KeyError, ValueError) as fault:
        print(f"beside.py: {fault}", file=sys.stderr)
        sys.exit(2)
