"""How live the desktop app is, measured inside the running app with its real worker.

480 x 360 rendered scenes, the shipped models, a window of 1440 x 900. Prints a Markdown table.

    python benchmarks/gui_live.py
    python benchmarks/gui_live.py --only toggle cancel --repeat 50 --out figures.json
    sh tools/x_session.sh python benchmarks/gui_live.py --platform xcb
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from gui_figures import HEADER

SCENARIOS = ("frames", "toggle", "change", "drag", "cancel", "rate", "start", "seek")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument(
        "--repeat", type=int, default=30, help="measurements of each; runs: a tenth"
    )
    parser.add_argument("--platform", default="offscreen", help="offscreen, or xcb under a display")
    parser.add_argument("--out", type=Path, help="JSON file for all measured values")
    return parser.parse_args()


def main():
    given = arguments()
    os.environ["QT_QPA_PLATFORM"] = given.platform
    import torch
    from gui_measures import Measures

    rows = []
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch "
        f"{torch.__version__}, {given.platform}, load {os.getloadavg()[0]:.1f}\n\n{HEADER}",
        flush=True,
    )
    with Measures(given.repeat) as measures:
        for name in given.only:
            for row in measures.take(name):
                rows.append(row)
                print(row.line(), flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    if given.out:
        given.out.write_text(json.dumps([row.as_json() for row in rows], indent=1))
    sys.stdout.flush()
    os._exit(0)  # the app is not what is measured here


if __name__ == "__main__":
    main()
