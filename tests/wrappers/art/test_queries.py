from types import SimpleNamespace

import numpy as np
import pytest
import torch
from art.defences.postprocessor import HighConfidence, Rounded
from oracles import TinyNet, tiny_problem
from torch import nn

from art_segplugin.errors import InputError


def test_predict_gives_logits_probabilities_and_labels(problem):
    estimator, x = problem.estimator, problem.x
    with torch.no_grad():
        logits = problem.model(problem.images())
    assert np.array_equal(estimator.predict(x), logits)
    assert estimator.predict(x).dtype == np.float32
    assert np.allclose(estimator.predict(x, output="probabilities"), logits.softmax(1), atol=1e-7)
    labels = estimator.predict(x, output="labels")
    assert np.array_equal(labels, logits.argmax(1))
    assert labels.dtype == np.int64
    with pytest.raises(InputError, match="output is 'scores'"):
        estimator.predict(x, output="scores")


def test_predict_in_batches_of_any_size_and_of_no_image(problem):
    x = np.concatenate([problem.x] * 3)
    whole = problem.estimator.predict(x)
    assert np.allclose(problem.estimator.predict(x, batch_size=4), whole, atol=1e-6)
    assert problem.estimator.predict(x[:0]).shape == (0, 4, 12, 14)


def test_tensors_in_tensors_out(problem):
    estimator, images, labels = problem.estimator, problem.images(), problem.labels()
    assert torch.equal(estimator.predict(images), torch.from_numpy(estimator.predict(problem.x)))
    gradient = estimator.loss_gradient(images, labels)
    assert torch.equal(gradient, torch.from_numpy(estimator.loss_gradient(problem.x, problem.y)))
    assert isinstance(estimator.compute_loss(images, labels), torch.Tensor)
    assert not images.requires_grad


OUTPUTS = {
    "dict": lambda logits: {"out": logits, "aux": None},
    "attribute": lambda logits: SimpleNamespace(logits=logits),
    "tuple": lambda logits: (logits, None),
    "low resolution": lambda logits: nn.functional.avg_pool2d(logits, 2),
}


class Wrapped(nn.Module):
    def __init__(self, net, output):
        super().__init__()
        self.net, self.output = net, output

    def forward(self, x):
        return self.output(self.net(x))


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_models_of_any_output(problem, output, segmenter):
    estimator = segmenter(Wrapped(problem.model, output).eval())
    assert estimator.predict(problem.x).shape == (2, 4, 12, 14)
    assert estimator.loss_gradient(problem.x, problem.y).any()


def test_postprocessing_defences_work_on_what_is_asked_for(problem):
    estimator = problem.with_options(postprocessing_defences=Rounded(1))
    plain = problem.estimator.predict(problem.x)
    assert np.array_equal(estimator.predict(problem.x), np.around(plain, 1))
    assert np.array_equal(problem.estimator.predict(problem.x), plain)
    confident = problem.with_options(postprocessing_defences=[HighConfidence(0.5)])
    probabilities = confident.predict(problem.x, output="probabilities")
    assert ((probabilities == 0) | (probabilities >= 0.5)).all()


@pytest.mark.parametrize("defence", [HighConfidence(0.99), Rounded(1)], ids=["high", "rounded"])
def test_labels_are_those_of_the_model_whatever_hides_its_scores(problem, defence):
    defended = problem.with_options(postprocessing_defences=defence)
    expected = problem.estimator.predict(problem.x, output="labels")
    assert np.array_equal(defended.predict(problem.x, output="labels"), expected)
    assert not np.array_equal(defended.predict(problem.x).argmax(1), expected)


def test_a_model_that_works_in_place_leaves_the_images_alone(problem, segmenter):
    class InPlace(nn.Module):
        def forward(self, x):
            x -= 0.4
            return problem.model(x)

    estimator, before = segmenter(InPlace().eval()), problem.x.copy()
    for x in (problem.x, problem.images()):
        estimator.predict(x)
        estimator.compute_losses(x, problem.y)
        estimator.get_activations(x, -1)
    assert np.array_equal(problem.x, before)


def test_channels_last_agrees_with_channels_first(problem):
    last = problem.with_options(channels_first=False, input_shape=(12, 14, 3))
    x = problem.x.transpose(0, 2, 3, 1)
    assert np.array_equal(last.predict(x), problem.estimator.predict(problem.x))
    gradient = last.loss_gradient(x, problem.y)
    assert gradient.shape == x.shape
    expected = problem.estimator.loss_gradient(problem.x, problem.y)
    assert np.array_equal(gradient.transpose(0, 3, 1, 2), expected)


def test_the_gradient_is_that_of_compute_loss(segmenter):
    model, images, labels = tiny_problem(dtype=torch.float64)
    estimator = segmenter(model)
    gradient = estimator.loss_gradient(images, labels)
    assert gradient.dtype == torch.float64
    direction = torch.randn_like(images)
    for i in range(2):
        move = torch.zeros_like(images)
        move[i] = 1e-6 * direction[i]
        ahead, behind = (estimator.compute_loss(images + s * move, labels) for s in (1, -1))
        expected = (ahead - behind)[i] / 2e-6
        assert (gradient * direction)[i].sum().item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_gradient_does_not_depend_on_the_rest_of_the_batch(problem):
    together = problem.estimator.loss_gradient(problem.x, problem.y)
    alone = problem.estimator.loss_gradient(problem.x[:1], problem.y[:1])
    assert np.allclose(together[:1], alone, atol=1e-7)


def test_labels_in_all_forms_give_one_gradient(problem):
    y = problem.estimator.predict(problem.x, output="labels")
    expected = problem.estimator.loss_gradient(problem.x, y)
    one_hot = np.eye(4, dtype=np.float32)[y].transpose(0, 3, 1, 2)
    for form in (y[:, None], one_hot, problem.estimator.predict(problem.x)):
        assert np.array_equal(problem.estimator.loss_gradient(problem.x, form), expected)


def test_all_void_batch_has_loss_and_gradient_0(problem):
    void = np.full_like(problem.y, 255)
    assert not problem.estimator.compute_loss(problem.x, void).any()
    gradient = problem.estimator.loss_gradient(problem.x, void)
    assert not gradient.any()
    assert np.isfinite(gradient).all()


def test_compute_loss_has_one_value_per_image(problem):
    losses = problem.estimator.compute_loss(problem.x, problem.y)
    assert losses.shape == (2,)
    predictions = problem.estimator.predict(problem.x)
    from_predictions = problem.estimator.compute_loss_from_predictions(predictions, problem.y)
    assert np.array_equal(from_predictions, losses)
    for reduction in ("mean", "sum"):
        reduced = problem.estimator.compute_loss(problem.x, problem.y, reduction=reduction)
        assert reduced == pytest.approx(getattr(losses, reduction)())
    with pytest.raises(InputError, match="reduction is 'max'"):
        problem.estimator.compute_loss(problem.x, problem.y, reduction="max")


def test_compute_losses_adds_the_share_of_wrong_pixels(problem):
    losses = problem.estimator.compute_losses(problem.x, problem.y)
    assert np.array_equal(losses["loss"], problem.estimator.compute_loss(problem.x, problem.y))
    wrong = problem.estimator.predict(problem.x, output="labels") != problem.y
    assert np.allclose(losses["zero_one"], wrong[:, 1:].mean((1, 2)))  # row 0 is void


def test_a_loss_of_the_user_is_used(problem):
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    estimator = problem.with_options(loss=nn.CrossEntropyLoss(weights))  # void is -100 there
    expected = nn.CrossEntropyLoss(weights, ignore_index=255)
    logits = torch.from_numpy(estimator.predict(problem.x))
    for i, loss in enumerate(estimator.compute_loss(problem.x, problem.y)):
        assert loss == pytest.approx(
            expected(logits[i : i + 1], problem.labels()[i : i + 1]).item()
        )


def test_activations(problem):
    estimator = problem.estimator
    assert estimator.layer_names == ["body.0", "body.1", "body.2", "body.3", "head"]
    with torch.no_grad():
        features = problem.model.body(problem.images())
    for layer in ("body", "body.2", 2, -3):
        assert np.array_equal(estimator.get_activations(problem.x, layer), features)
    assert np.allclose(estimator.get_activations(problem.x, 2, batch_size=1), features, atol=1e-6)


def test_activations_keep_the_graph_of_a_tensor(problem):
    images = problem.images().requires_grad_()
    result = problem.estimator.get_activations(images, "head", framework=True)
    result.sum().backward()
    assert images.grad.any()


def modes_hooks_and_gradients(model):
    return [
        (m.training, len(m._forward_hooks), [p.grad is None for p in m.parameters()])
        for m in model.modules()
    ]


QUERIES = {
    "predict": lambda e, x, y: e.predict(x),
    "predict in training mode": lambda e, x, y: e.predict(x, training_mode=True),
    "loss_gradient": lambda e, x, y: e.loss_gradient(x, y),
    "loss_gradient in training mode": lambda e, x, y: e.loss_gradient(x, y, training_mode=True),
    "compute_loss": lambda e, x, y: e.compute_loss(x, y),
    "compute_losses": lambda e, x, y: e.compute_losses(x, y),
    "get_activations": lambda e, x, y: e.get_activations(x, 0),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("training", [True, False])
def test_modes_hooks_and_weight_gradients_are_left_as_they_were(problem, query, training):
    problem.model.train(training)
    problem.model.body[1].train(not training)
    before = modes_hooks_and_gradients(problem.model)
    query(problem.estimator, problem.x, problem.y)
    assert modes_hooks_and_gradients(problem.model) == before


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_all_is_put_back_after_an_exception_too(problem, query):
    def broken(module, inputs):
        raise InputError("a layer is broken")

    problem.model.train()
    problem.model.head.register_forward_pre_hook(broken)
    before = modes_hooks_and_gradients(problem.model)
    with pytest.raises(InputError, match="a layer is broken"):
        query(problem.estimator, problem.x, problem.y)
    assert modes_hooks_and_gradients(problem.model) == before


def test_hooks_do_not_leak(problem):
    for _ in range(3):
        problem.estimator.get_activations(problem.x, "head")
    assert not problem.model.head._forward_hooks


def test_weight_gradients_are_neither_made_nor_changed(problem):
    for parameter in problem.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    problem.estimator.loss_gradient(problem.x, problem.y)
    assert all((p.grad == 1).all() for p in problem.model.parameters())


def test_evaluation_mode_is_used_whatever_the_mode_is(problem):
    expected = problem.estimator.predict(problem.x)
    problem.model.train()
    assert np.array_equal(problem.estimator.predict(problem.x), expected)
    statistics = problem.model.body[1].running_mean.clone()
    assert not np.array_equal(problem.estimator.predict(problem.x, training_mode=True), expected)
    assert not torch.equal(problem.model.body[1].running_mean, statistics)


def test_no_flag_is_written_when_all_modules_are_in_evaluation_mode(problem, monkeypatch):
    written = []
    monkeypatch.setattr(
        nn.Module, "__setattr__", lambda module, name, value: written.append((name, value))
    )
    for query in ("predict", "loss_gradient", "compute_losses", "get_activations"):
        QUERIES[query](problem.estimator, problem.x, problem.y)
    assert written == []


def test_a_float64_model_is_fed_float64(problem, segmenter):
    estimator = segmenter(TinyNet().double().eval())
    assert estimator.predict(problem.x).dtype == np.float32
    assert estimator.loss_gradient(problem.images().double(), problem.y).dtype == torch.float64


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu_in_float64(segmenter):
    model, images, labels = tiny_problem(dtype=torch.float64)
    cpu = segmenter(model)
    expected = cpu.loss_gradient(images, labels), cpu.compute_loss(images, labels)
    cuda = segmenter(model, device_type="gpu")
    assert cuda.device.type == "cuda"
    for x, y in ((images, labels), (images.cuda(), labels.cuda())):
        gradient, loss = cuda.loss_gradient(x, y), cuda.compute_loss(x, y)
        assert gradient.device == x.device
        assert torch.allclose(gradient.cpu(), expected[0], rtol=1e-9, atol=1e-12)
        assert torch.allclose(loss.cpu(), expected[1], rtol=1e-9)
    assert isinstance(cuda.loss_gradient(images.numpy(), labels.numpy()), np.ndarray)
