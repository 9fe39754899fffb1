"""What an attack adds where the logits are the cost: time of a step, and peak memory, over the bare loop.

The bare loop is forward, mean cross-entropy, gradient to the input, sign, clip. Two nets that are hardly
more than their logits: conv 3-32-19 at 512 x 1024 and conv 3-150 at 256 x 256, batch 1, float32. Times are CPU
times in pairs, so that a busy machine disturbs little; memory is what the peak of the resident set grows by in
a process of its own, with blocks given back to the system as soon as they are freed.

    OMP_NUM_THREADS=2 python benchmarks/logit_cost.py
    OMP_NUM_THREADS=2 python benchmarks/logit_cost.py --pairs 5 --attacks pgd temperature-pgd
"""

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys

import torch
from step_cost import EPS, STEP, bare_loop, cpu_time
from torch import nn

from art_segplugin.attacks import named

ATTACKS = ("pgd", "segpgd", "cospgd", "apgd", "temperature-pgd")
SIZES = {"3-32-19": (512, 1024), "3-150": (256, 256)}


def net(name):
    channels = [int(part) for part in name.split("-")]
    layers = []
    for given, wanted in itertools.pairwise(channels):
        layers += [nn.Conv2d(given, wanted, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def problem(name):
    torch.manual_seed(0)
    model, size = net(name).eval(), SIZES[name]
    x = torch.rand(1, 3, *size)
    with torch.no_grad():
        return model, x, model(x).argmax(1)


def runner(attack, model, x, labels, steps):
    if attack == "bare":
        return lambda: bare_loop(model, x, labels, steps)
    sized = {} if attack == "apgd" else {"step_size": STEP}
    built = named(attack, eps=EPS, steps=steps, **sized).build()
    return lambda: built(model, x, labels)


def peak(name, attack, steps):
    """MiB by which the peak of the resident set grows over what the model and the images take."""
    code = f"import logit_cost; logit_cost.report_peak({name!r}, {attack!r}, {steps})"
    blocks = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=os.path.dirname(os.path.abspath(__file__)),
        env=os.environ | blocks,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def report_peak(name, attack, steps):
    model, x, labels = problem(name)
    run = runner(attack, model, x[..., :32, :32].contiguous(), labels[..., :32, :32], steps)
    run()  # libraries are loaded
    before = resource_peak_reset()
    runner(attack, model, x, labels, steps)()
    print(resource_peak() - before)


def resource_peak_reset():
    """The resident set now, to which the kernel's peak is set back where it can be."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return resource_peak()


def resource_peak():
    with open("/proc/self/status") as file:
        (line,) = [line for line in file if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--attacks", nargs="+", default=ATTACKS)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4)
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {arguments.steps} steps")
    print(f"{'net':10}{'attack':18}{'CPU time over the bare loop':>40}{'peak MiB':>10}{'over':>7}")
    for name in arguments.nets:
        model, x, labels = problem(name)
        bare = runner("bare", model, x, labels, arguments.steps)
        bare(), bare()
        bare_peak = peak(name, "bare", arguments.steps)
        print(f"{name:10}{'bare':18}{'':40}{bare_peak:>10.0f}")
        for attack in arguments.attacks:
            run = runner(attack, model, x, labels, arguments.steps)
            run()
            ratios = []
            for i in range(arguments.pairs):
                order = (run, bare) if i % 2 else (bare, run)
                times = {function: cpu_time(function) for function in order}
                ratios.append(times[run] / times[bare])
            spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
            used = peak(name, attack, arguments.steps)
            print(f"{name:10}{attack:18}{spread:>40}{used:>10.0f}{used / bare_peak:>7.2f}")


if __name__ == "__main__":
    main()
