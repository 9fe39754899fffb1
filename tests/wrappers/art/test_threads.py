"""One estimator shared by eight threads."""

import sys
import threading

import numpy as np
import pytest
import torch
from oracles import tiny_problem

from art_segplugin.wrappers.art import SegPGD


def disagreements(estimator, query, parts, calls):
    """Which threads got something else than one thread alone gets; what any of them raised."""
    serial, differing, errors = [query(estimator, *part) for part in parts], [], []

    def work(i):
        try:
            again = [query(estimator, *parts[i]) for _ in range(calls)]
            differing.extend(i for result in again if not np.array_equal(result, serial[i]))
        except Exception as error:  # an exception in a thread would pass unnoticed
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return differing, errors


@pytest.fixture
def shared():
    """A net, and eight images with labels, one for each thread."""
    model, images, labels = tiny_problem(n=8)
    parts = [(images[i : i + 1].numpy(), labels[i : i + 1].numpy()) for i in range(8)]
    return model, parts


@pytest.fixture
def _many_switches():
    """Threads take turns much more often than usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("preprocessing", [None, ((0.5, 0.4, 0.3), (0.2, 0.2, 0.3))])
def test_fifty_gradients_each(shared, segmenter, preprocessing):
    model, parts = shared
    estimator = segmenter(model, preprocessing=preprocessing)
    found = disagreements(estimator, lambda e, x, y: e.loss_gradient(x, y), parts, calls=50)
    assert found == ([], [])


QUERIES = {
    "predict": lambda e, x, y: e.predict(x),
    "get_activations": lambda e, x, y: e.get_activations(x, 2),
    "attack": lambda e, x, y: SegPGD(
        e, max_iter=2, num_random_init=2, random_eps=True, verbose=False
    ).generate(x, y, generator=torch.Generator().manual_seed(0)),
}


@pytest.mark.usefixtures("_many_switches")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("training", [True, False])
def test_whatever_the_mode_of_the_model(shared, segmenter, query, training):
    model, parts = shared
    model.train(training)
    assert disagreements(segmenter(model), query, parts, calls=10) == ([], [])
    assert {module.training for module in model.modules()} == {training}
    assert not any(module._forward_hooks for module in model.modules())
