"""Drives running simulated exchanges through public client libraries and checks what they get.

Every `*_clients.py` beside this file names the adapters it needs and drives them. Nothing about the libraries is
changed but their base URLs and documented options.
"""

import argparse
import importlib
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent


def adapters(path):
    """What a venue's script needs, read without importing it: the libraries may not be installed yet."""
    declared = re.search(r"^ADAPTERS = \(([^)]*)\)", path.read_text(), re.MULTILINE)
    return re.findall(r'"([^"]+)"', declared.group(1))


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

    from checks import Exchange, check

    venues = json.loads(pathlib.Path(args.running).read_text())["venues"]
    running = {venue["adapter"]: Exchange(venue["adapter"], venue["url"], venue["demo"]) for venue in venues}
    for script in scripts:
        importlib.import_module(script.stem).drive(running)
    raise SystemExit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
