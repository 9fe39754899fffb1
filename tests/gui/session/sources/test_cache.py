import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.cache import FrameCache
from art_segplugin_gui.session.sources.opening import open_source


def frame(index, labels=False):
    size = (4, 5)
    return SourceFrame(
        "a", index, np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8) if labels else None
    )


def test_the_longest_unused_goes_first():
    cache = FrameCache(130)  # two pictures of 60 bytes
    for index in (0, 1):
        cache.keep(frame(index))
    cache.get(0)
    cache.keep(frame(2))
    assert [cache.get(index) is None for index in (0, 1, 2)] == [False, True, False]
    cache.keep(frame(3, labels=True))  # 80 bytes
    assert [cache.get(index) is None for index in (0, 2, 3)] == [True, True, False]
    cache.clear()
    assert cache.get(3) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.integers(0, 400))
def test_it_stays_within_its_limit_and_keeps_the_newest(kept, limit):
    cache = FrameCache(limit)
    for index, labels in kept:
        newest = cache.keep(frame(index, labels))
        assert cache.get(index) is newest
        held = [held for i in range(10) if (held := cache.get(i)) is not None]
        size = sum(f.image.nbytes + (0 if f.labels is None else f.labels.nbytes) for f in held)
        assert size <= limit or held == [newest]


def test_the_same_frame_again_is_the_same_object():
    source = open_source("drive:1", 32)
    first = source.read(5)
    assert source.read(6) is not first
    assert source.read(5) is first
