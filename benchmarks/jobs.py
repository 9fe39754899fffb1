"""Experiments as lists of resumable `art-segplugin` commands."""

import shlex
import subprocess
import sys


def add_options(parser):
    parser.add_argument("--full", action="store_true", help="sizes for a GPU")
    parser.add_argument("--only", default="", help="jobs whose result has this in its path")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")


def run(jobs, given):
    """Run the jobs that are not done; each is (file that shows it is done, resumable, words)."""
    for done, resumable, words in jobs:
        command = ["art-segplugin", *map(str, words)]
        begun = resumable and done.parent.exists()
        state = "done" if done.exists() else "to do"
        if given.list or (state == "to do" and given.only in str(done)):
            print(f"[{state}] {shlex.join(command)}", flush=True)
        if given.list or state == "done" or given.only not in str(done):
            continue
        main_of = [sys.executable, "-c", "from art_segplugin.cli import main; main()"]
        subprocess.run([*main_of, *command[1:], *(["--resume"] if begun else [])], check=True)
        if done.name == "finished":
            done.touch()
