import threading
import warnings
from multiprocessing import get_context

import numpy as np
import pytest

from art_segplugin.errors import InputError
from art_segplugin.scenes import rendering
from art_segplugin.scenes.layout import build_scene

SIZE = (48, 64)


def draw(renderer="auto"):
    scene = build_scene([9, 3])
    return rendering.render(scene, scene.camera, SIZE, renderer)


def send(queue):
    queue.put(draw())


@pytest.fixture
def without_opengl(monkeypatch):
    def fail():
        raise RuntimeError("no display")

    monkeypatch.setattr(rendering, "_opengl", fail)
    rendering._opengl_works.cache_clear()
    yield
    rendering._opengl_works.cache_clear()


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_types_and_shapes():
    picture, labels = draw()
    assert (picture.shape, picture.dtype) == ((*SIZE, 3), np.uint8)
    assert (labels.shape, labels.dtype) == (SIZE, np.uint8)


def test_the_same_in_threads():
    results = []
    threads = [threading.Thread(target=lambda: results.append(draw())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(result, draw()) for result in results)
    assert len(results) == 3


def test_the_same_in_forked_processes():
    here = draw()
    context = get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=send, args=(queue,)) for _ in range(2)]
    for process in processes:
        process.start()
    assert all(same(queue.get(timeout=60), here) for _ in processes)
    for process in processes:
        process.join()


def test_without_opengl_one_warning_and_the_ray_caster(without_opengl):
    with pytest.warns(
        RuntimeWarning, match=r"no OpenGL \(no display\): scenes are drawn by the slower"
    ):
        first = draw()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(draw(), first)
    assert same(draw("numpy"), first)


def test_opengl_asked_for_but_missing(without_opengl):
    with pytest.raises(
        InputError, match=r"'moderngl' found no OpenGL \(no display\); install libegl1"
    ):
        draw("moderngl")


def test_wrong_arguments_are_refused():
    scene = build_scene([9, 3])
    with pytest.raises(
        InputError, match="renderer is 'vulkan'; expected one of auto, moderngl, numpy"
    ):
        rendering.render(scene, scene.camera, SIZE, "vulkan")
    for size in ((0, 64), (48,), (48.0, 64), (48, 10**5)):
        with pytest.raises(InputError, match="expected height and width in pixels"):
            rendering.render(scene, scene.camera, size)
