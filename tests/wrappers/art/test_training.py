import numpy as np
import pytest
import torch
from art.data_generators import NumpyDataGenerator, PyTorchDataGenerator
from oracles import TinyNet
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import SegFGSM


def accuracy(problem):
    return 1 - problem.estimator.compute_losses(problem.x, problem.y)["zero_one"].mean()


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_fit_learns_and_gives_the_modes_back(trainable):
    modes = [m.training for m in trainable.model.modules()]
    before = accuracy(trainable)
    trainable.estimator.fit(trainable.x, trainable.y, batch_size=4, nb_epochs=15)
    assert accuracy(trainable) > before + 0.2
    assert [m.training for m in trainable.model.modules()] == modes


def test_fit_swallows_what_the_trainers_of_art_pass(trainable):
    trainable.estimator.fit(
        trainable.x,
        trainable.y,
        batch_size=4,
        nb_epochs=1,
        validation_data=(trainable.x, trainable.y),
        verbose=False,
        drop_last=False,
        scheduler=None,
    )


def test_fit_takes_tensors(trainable):
    before = weights(trainable.model)
    trainable.estimator.fit(trainable.images(), trainable.labels(), nb_epochs=1)
    assert not torch.equal(weights(trainable.model), before)


def test_the_seed_of_torch_fixes_the_order(trainable):
    results = []
    for _ in range(2):
        trainable.model.load_state_dict(
            {k: torch.full_like(v, 0.1) for k, v in trainable.model.state_dict().items()}
        )
        trainable.estimator.optimizer.state.clear()
        torch.manual_seed(3)
        trainable.estimator.fit(trainable.x, trainable.y, batch_size=2, nb_epochs=1)
        results.append(weights(trainable.model))
    assert torch.equal(*results)


def test_drop_last_leaves_out_a_batch_that_is_not_full(trainable):
    seen = []
    trainable.model.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    trainable.estimator.fit(trainable.x, trainable.y, batch_size=3, nb_epochs=1, drop_last=True)
    assert seen == [3, 3]
    seen.clear()
    trainable.estimator.fit(trainable.x, trainable.y, batch_size=3, nb_epochs=1)
    assert seen == [3, 3, 2]


def test_the_scheduler_steps_once_an_epoch(trainable):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(trainable.estimator.optimizer, 0.5)
    trainable.estimator.fit(trainable.x, trainable.y, nb_epochs=2, scheduler=scheduler)
    assert scheduler.get_last_lr() == [0.02 / 4]


def test_training_after_an_attack_updates_batch_norm(trainable):
    """Attacks run in evaluation mode; a trainer that goes on in it never updates the statistics."""
    SegFGSM(trainable.estimator, verbose=False).generate(trainable.x, trainable.y)
    statistics = trainable.model.body[1].running_mean.clone()
    trainable.estimator.fit(trainable.x, trainable.y, nb_epochs=1)
    assert not torch.equal(trainable.model.body[1].running_mean, statistics)


def test_evaluation_mode_keeps_the_statistics(trainable):
    statistics = trainable.model.body[1].running_mean.clone()
    before = weights(trainable.model)
    trainable.estimator.fit(trainable.x, trainable.y, nb_epochs=1, training_mode=False)
    assert torch.equal(trainable.model.body[1].running_mean, statistics)
    assert not torch.equal(weights(trainable.model), before)


@pytest.mark.parametrize(
    "loss", [None, nn.CrossEntropyLoss(ignore_index=255)], ids=["own loss", "loss of the user"]
)
def test_an_all_void_batch_leaves_the_weights_finite(trainable, loss):
    estimator = trainable.with_options(loss=loss, optimizer=trainable.estimator.optimizer)
    with pytest.warns(UserWarning, match=r"all labels are void \(255\)"):
        estimator.fit(trainable.x, np.full_like(trainable.y, 255), nb_epochs=1)
    assert weights(trainable.model).isfinite().all()


def test_nothing_to_learn_from(trainable):
    x, y, estimator = trainable.x, trainable.y, trainable.estimator
    with pytest.raises(InputError, match="there are 0 images and so no batch of 128"):
        estimator.fit(x[:0], y[:0])
    with pytest.raises(InputError, match="there are 8 images and so no batch of 9"):
        estimator.fit(x, y, batch_size=9, drop_last=True)
    with pytest.raises(InputError, match="x is a list"):
        estimator.fit(x.tolist(), y)


def test_fit_needs_an_optimizer(problem):
    with pytest.raises(InputError, match="no optimizer"):
        problem.estimator.fit(problem.x, problem.y)


def test_fit_needs_an_optimizer_of_this_model(trainable):
    trainable.estimator.set_params(model=TinyNet())
    generator = next(generators(trainable))
    with pytest.raises(InputError, match="holds no weight of the model"):
        trainable.estimator.fit(trainable.x, trainable.y)
    with pytest.raises(InputError, match="holds no weight of the model"):
        trainable.estimator.fit_generator(generator)


def test_an_optimizer_of_some_of_the_weights(trainable):
    frozen = trainable.model.body[0].weight.clone()
    head = torch.optim.SGD(trainable.model.head.parameters(), lr=0.1)
    before = weights(trainable.model)
    trainable.estimator.set_params(optimizer=head)
    trainable.estimator.fit(trainable.x, trainable.y, nb_epochs=1)
    assert torch.equal(trainable.model.body[0].weight, frozen)
    assert not torch.equal(weights(trainable.model), before)


def generators(problem):
    data = TensorDataset(problem.images(), problem.labels())
    yield NumpyDataGenerator(problem.x, problem.y, batch_size=3, drop_remainder=False)
    yield PyTorchDataGenerator(DataLoader(data, batch_size=3), size=8, batch_size=3)


def test_fit_generator_sees_every_image(trainable):
    for generator in generators(trainable):
        seen = []
        hook = trainable.model.register_forward_pre_hook(
            lambda m, i, seen=seen: seen.append(len(i[0]))
        )
        trainable.estimator.fit_generator(generator, nb_epochs=2)
        hook.remove()
        assert seen == [3, 3, 2] * 2


def test_an_epoch_of_a_generator_that_drops_its_last_batch(trainable):
    seen = []
    trainable.model.register_forward_pre_hook(lambda m, i: seen.append(len(i[0])))
    generator = NumpyDataGenerator(trainable.x, trainable.y, batch_size=3)
    trainable.estimator.fit_generator(generator, nb_epochs=1)
    assert seen == [3, 3, 3]


def test_fit_generator_needs_a_generator(trainable):
    with pytest.raises(InputError, match="give a DataGenerator"):
        trainable.estimator.fit_generator([(trainable.x, trainable.y)])


def test_clone_for_refitting_starts_anew_and_shares_nothing(trainable):
    trainable.estimator.fit(trainable.x, trainable.y, nb_epochs=2)
    trained = weights(trainable.model)
    clone = trainable.estimator.clone_for_refitting()
    assert not torch.equal(weights(clone.model), trained)
    assert not clone.optimizer.state
    assert clone.optimizer.param_groups[0]["lr"] == 0.02
    clone.fit(trainable.x, trainable.y, nb_epochs=1)
    assert clone.optimizer.state
    assert torch.equal(weights(trainable.model), trained)


def test_save_and_load(trainable, tmp_path):
    estimator, before = trainable.estimator, trainable.estimator.predict(trainable.x)
    file = estimator.save("net", str(tmp_path / "models"))
    assert file == tmp_path / "models" / "net.safetensors"
    estimator.fit(trainable.x, trainable.y, nb_epochs=1)
    assert not np.array_equal(estimator.predict(trainable.x), before)
    estimator.load("net", str(tmp_path / "models"))
    assert np.array_equal(estimator.predict(trainable.x), before)
    estimator.load("net.safetensors", str(tmp_path / "models"))


def test_save_without_a_folder_goes_to_the_data_folder_of_art(problem, monkeypatch, tmp_path):
    monkeypatch.setattr("art.config.ART_DATA_PATH", str(tmp_path))
    assert problem.estimator.save("net").parent == tmp_path
