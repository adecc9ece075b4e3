"""Drives running simulated exchanges through public client libraries and checks what they get.

Every `*_clients.py` beside this file names the adapters it needs and drives them. Nothing about the libraries is
changed but their base URLs and documented options.
"""

import argparse
import importlib
import json
import pathlib
import re
from concurrent.futures import ProcessPoolExecutor

FOLDER = pathlib.Path(__file__).parent


def adapters(path):
    """What a venue's script needs, read without importing it: the libraries may not be installed yet."""
    declared = re.search(r"^ADAPTERS = \(([^)]*)\)", path.read_text(), re.MULTILINE)
    return re.findall(r'"([^"]+)"', declared.group(1))


def drive(script, running):
    """What the checks of one venue's script found. Runs in a process of its own: a client waits most of its time."""
    import checks

    checks.outcomes.clear()
    with checks.Claims("script", script):
        importlib.import_module(script).drive(running)
    return checks.outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapters", action="store_true", help="print the adapters needed and exit")
    parser.add_argument("--only", help="drive one venue, for example bybit")
    parser.add_argument("running", nargs="?", help="what `equipoise sim --json` printed, in a file")
    args = parser.parse_args()
    scripts = sorted(FOLDER.glob(f"{args.only or '*'}_clients.py"))
    if args.adapters:
        print("\n".join(adapter for script in scripts for adapter in adapters(script)))
        return

    import coverage_table
    from checks import Exchange

    venues = json.loads(pathlib.Path(args.running).read_text())["venues"]
    running = {venue["adapter"]: Exchange(venue["adapter"], venue["url"], venue["demo"]) for venue in venues}
    outcomes = []
    with ProcessPoolExecutor(len(scripts)) as pool:
        for found in pool.map(drive, [script.stem for script in scripts], [running] * len(scripts)):
            outcomes += found
            for outcome in found:
                if not outcome.absent:
                    print(outcome.line, flush=True)
    print(f"\n{coverage_table.table(outcomes)}")
    raise SystemExit(0 if all(outcome.holds for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
