"""An evaluation that reads ahead, attacks a copy or chooses its batch size gives what it gave before."""

import copy
import threading
import time
from itertools import count

import pytest
import torch
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Sample
from art_segplugin.errors import UnreadableError
from art_segplugin.evaluation import evaluate, summarise
from art_segplugin.evaluation.batch_size import MOST, automatic_batch_size
from art_segplugin.evaluation.dataset import attack_samples
from art_segplugin.evaluation.prefetch import one_ahead
from art_segplugin.metrics import count as confusion
from art_segplugin.models import Segmenter
from art_segplugin.models.fast import Accelerated

PALETTE = Palette("toy", ("a", "b", "c", "d"), ((0, 0, 0), (9, 9, 9), (99, 0, 0), (0, 99, 0)))
ATTACKS = [named("segpgd-3", eps=0.1, step_size=0.05), named("apgd-3", eps=0.1)]


class Toy:
    """Samples that note who reads them, and when; some cannot be read."""

    palette = PALETTE

    def __init__(self, number, unreadable=()):
        self.number, self.unreadable, self.read = number, unreadable, []

    def __len__(self):
        return self.number

    def __getitem__(self, i):
        self.read.append((i, threading.current_thread()))
        if i in self.unreadable:
            raise UnreadableError(f"image-{i} is damaged")
        generator = torch.Generator().manual_seed(i)
        image = torch.rand(3, 10, 12, generator=generator)
        labels = torch.randint(0, 4, (10, 12), generator=generator)
        labels[0] = 255
        return Sample(f"image-{i}", image, labels)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


def plain(results):
    return [
        (one.attack, one.seed, one.counts, one.images, one.wrong, one.loss, one.largest_distance)
        for one in results
    ]


def test_items_come_in_order_and_no_more_than_one_is_ahead():
    made = []

    def items():
        for i in range(1, 6):
            made.append(i)
            yield i

    seen = []
    for item in one_ahead(0, items()):
        time.sleep(0.01)
        seen.append(item)
        assert len(made) <= item + 1
    assert seen == list(range(6))


def test_the_next_item_is_made_while_one_is_used():
    started = threading.Event()

    def items():
        started.set()
        yield 1

    ahead = one_ahead(0, items())
    assert next(ahead) == 0
    assert started.wait(10)
    assert list(ahead) == [1]


def test_what_goes_wrong_is_raised_in_its_place():
    def items():
        yield 1
        raise ZeroDivisionError("the third")

    seen = []
    with pytest.raises(ZeroDivisionError, match="the third"):
        seen.extend(one_ahead(0, items()))
    ahead = one_ahead(0, items())
    assert [next(ahead), next(ahead)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_whoever_stops_early_leaves_no_thread_behind():
    before, made = set(threading.enumerate()), []

    def items():
        for i in count(1):
            time.sleep(0.02)
            made.append(i)
            yield i

    ahead = one_ahead(0, items())
    assert next(ahead) == 0
    with pytest.raises(KeyboardInterrupt):
        ahead.throw(KeyboardInterrupt)
    assert set(threading.enumerate()) <= before
    assert made == [1]


def test_samples_are_read_ahead_in_their_order_and_each_once(model):
    data = Toy(7, unreadable=(2,))
    left_out = {}
    results = list(evaluate(model, data, ATTACKS[:1], batch_size=2, left_out=left_out))
    assert [index for index, _ in data.read] == list(range(7))
    assert len({thread for _, thread in data.read}) == 2
    assert left_out == {2: "image-2 is damaged"}
    names = [image.name for one in results if one.attack == "clean" for image in one.images]
    assert names == [f"image-{i}" for i in (0, 1, 3, 4, 5, 6)]


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_results_do_not_depend_on_what_is_read_together(model, batch_size):
    one_by_one = summarise(evaluate(model, Toy(5), ATTACKS, batch_size=1))
    together = summarise(evaluate(model, Toy(5), ATTACKS, batch_size=batch_size))
    for a, b in zip(one_by_one, together, strict=True):
        assert (a.attack, a.images) == (b.attack, b.images)


def test_a_copy_of_the_model_gives_the_same_results(model):
    made = Accelerated(copy.deepcopy(model), ("a copy",))
    plain_run, fast_run = (
        list(evaluate(model, Toy(4), ATTACKS, batch_size=2, fast=fast)) for fast in (None, made)
    )
    assert plain(plain_run) == plain(fast_run)


def test_the_copy_is_attacked_and_the_model_judges(model):
    """A copy with other weights: the answers are those against it, the counts what the model says."""
    torch.manual_seed(7)
    other = Segmenter(TinyNet(4), classes=4).eval()
    data, attack = Toy(3), ATTACKS[0]
    _, found = summarise(
        evaluate(model, data, [attack], batch_size=3, fast=Accelerated(other, ("other",)))
    )
    samples = [data[i] for i in range(3)]
    x, y = (torch.stack([getattr(s, name) for s in samples]) for name in ("image", "labels"))
    x_adv = attack.build()(other, x, y, seeds=range(3))
    assert not torch.equal(x_adv, attack.build()(model, x, y, seeds=range(3)))
    expected = confusion(model(x_adv).argmax(1), y, 4)
    assert torch.equal(torch.as_tensor(found.counts), expected)


def test_single_images_are_attacked_through_the_copy_too(model):
    torch.manual_seed(7)
    other = Segmenter(TinyNet(4), classes=4).eval()
    sample = Toy(1)[0]
    (done,) = attack_samples(model, [sample], ATTACKS[0], fast=Accelerated(other, ("other",)))
    expected = ATTACKS[0].build()(other, sample.image[None], sample.labels[None], seeds=[0])
    assert torch.equal(done.x_adv, expected)
    assert done.results[1].counts == confusion(
        model(expected).argmax(1), sample.labels[None], 4
    ).tolist()  # fmt: skip


@pytest.mark.parametrize(
    ("size", "expected"),
    [((512, 512), 4), ((352, 480), 6), ((1024, 2048), 1), ((3000, 4000), 1), ((32, 32), MOST)],
)
def test_a_batch_on_a_cpu_has_a_million_pixels(model, size, expected):
    assert automatic_batch_size(model, torch.zeros(1, 3, 1, 1).expand(1, 3, *size)) == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_batch_on_a_graphics_card_fits(model):
    model = model.cuda()
    image = torch.rand(1, 3, 64, 64)
    number = automatic_batch_size(model, image)
    assert 1 <= number <= MOST
    ATTACKS[0].build()(
        model,
        image.expand(number, 3, 64, 64).cuda(),
        torch.zeros(number, 64, 64, dtype=torch.long, device="cuda"),
    )
