import pytest
import torch

from art_segplugin.training.augment import augment

SIZE = (24, 32)


def _sample():
    """An image whose red channel is 8 times its label, in blocks."""
    blocks = torch.randint(0, 20, (6, 8), generator=torch.Generator().manual_seed(3))
    labels = blocks.repeat_interleave(4, 0).repeat_interleave(4, 1)
    return (labels * 8).to(torch.uint8).expand(3, -1, -1).clone(), labels.to(torch.int16)


def _augment(seed, crop=SIZE, scale=(1.0, 1.0), jitter=0.0):
    image, labels = _sample()
    return augment(
        image,
        labels,
        crop=crop,
        scale=scale,
        jitter=jitter,
        ignore_index=255,
        generator=torch.Generator().manual_seed(seed),
    )


def test_without_room_for_chance_it_is_the_image_or_its_mirror():
    image, labels = _sample()
    seen = set()
    for seed in range(12):
        view, target = _augment(seed)
        mirrored = not torch.equal(target, labels.long())
        seen.add(mirrored)
        expected = image.float() / 255
        torch.testing.assert_close(view, expected.flip(-1) if mirrored else expected)
        assert torch.equal(target, (labels.flip(-1) if mirrored else labels).long())
    assert seen == {True, False}


@pytest.mark.parametrize("scale", [(0.4, 0.4), (0.5, 2.0), (1.0, 1.0), (2.0, 3.0)])
@pytest.mark.parametrize("crop", [(16, 16), (40, 20), SIZE])
def test_labels_follow_the_image(scale, crop):
    for seed in range(6):
        view, target = _augment(seed, crop, scale)
        assert view.shape == (3, *crop)
        assert view.dtype == torch.float32
        assert target.shape == crop
        assert target.dtype == torch.int64
        assert (target <= 19).logical_or(target == 255).all()
        if scale[0] >= 1:
            # Enlarged edges blend with their neighbours; the inside of a block does not.
            right = (view[0] * 255 - target * 8).abs() < 1
            assert right[target != 255].float().mean() > (0.99 if scale[1] == 1 else 0.5)


def test_pads_with_void():
    view, target = _augment(0, crop=(48, 64))
    assert (target == 255).float().mean() == pytest.approx(0.75)
    assert view[:, target == 255] == pytest.approx(127 / 255)


def test_one_seed_one_view():
    options = {"scale": (0.5, 2.0), "jitter": 0.4, "crop": (16, 16)}
    first, second, other = (_augment(seed, **options) for seed in (1, 1, 2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


def test_jitter_changes_colours_only():
    plain, jittered = _augment(5), _augment(5, jitter=0.5)
    assert torch.equal(plain[1], jittered[1])
    assert not torch.allclose(plain[0], jittered[0], atol=0.02)
    assert jittered[0].min() >= 0
    assert jittered[0].max() <= 1


def test_digits_need_not_be_mirrored():
    image = torch.arange(3 * 4 * 4, dtype=torch.uint8).view(3, 4, 4)
    labels = torch.zeros(1, 1, dtype=torch.int64)
    for flip in (True, False):
        generator = torch.Generator().manual_seed(0)
        views = [
            augment(
                image, labels, crop=(4, 4), scale=(1, 1), flip=flip, jitter=0.0, ignore_index=255,
                generator=generator,
            )[0]
            for _ in range(20)
        ]  # fmt: skip
        kept = sum(torch.allclose(view, image / 255) for view in views)
        assert 0 < kept < 20 if flip else kept == 20
