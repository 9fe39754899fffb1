"""Time of the small net on one 480 x 360 image: forward, and forward with the gradient to the image.

python benchmarks/small_net.py
"""

import statistics
import time

import torch

from art_segplugin.models import load_model


def milliseconds(function, repeats=25):
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return f"{statistics.median(times):.1f} ms (fastest {min(times):.1f})"


def main():
    model, x = load_model("small-scenes"), torch.rand(1, 3, 360, 480)
    parameters = sum(p.numel() for p in model.parameters())

    def forward():
        with torch.no_grad():
            model(x)

    def with_gradient():
        leaf = x.clone().requires_grad_(True)
        torch.autograd.grad(model(leaf).logsumexp(1).sum(), leaf)

    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {parameters:,} parameters"
    )
    print(f"forward                    {milliseconds(forward)}")
    print(f"forward and input gradient {milliseconds(with_gradient)}")


if __name__ == "__main__":
    main()
