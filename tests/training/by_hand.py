"""The equations of the objectives, line by line: oracles that share no code with the package."""

import torch


def log_softmax(logits):
    return logits - logits.exp().sum(1, keepdim=True).log()


def cross_entropies(logits, labels):
    """Of the valid pixels, in a row."""
    rows, truth = logits.movedim(1, -1)[labels != 255], labels[labels != 255]
    return -log_softmax(rows)[torch.arange(len(truth)), truth]


def mean_cross_entropy(logits, labels, weights=None):
    losses = cross_entropies(logits, labels)
    if weights is None:
        return losses.mean()
    each = weights.to(losses)[labels[labels != 255]]
    return (each * losses).sum() / each.sum()


def divergences(reference, logits):
    """KL(softmax(reference) || softmax(logits)) of each pixel."""
    return (log_softmax(reference).exp() * (log_softmax(reference) - log_softmax(logits))).sum(1)


def pgd(model, batch, eps, step, steps, loss=None):
    """Adversarial images; `loss` of the logits, None for the cross-entropy over valid pixels."""
    modes = [module.training for module in model.modules()]
    model.eval()
    x = batch.images
    noise = [
        torch.empty_like(x[:1]).uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
        for seed in batch.seeds
    ]
    x_adv = (x + eps * torch.cat(noise)).clamp(0, 1)
    for _ in range(steps):
        x_adv.requires_grad_()
        logits = model(x_adv)
        value = cross_entropies(logits, batch.labels).sum() if loss is None else loss(logits)
        (gradient,) = torch.autograd.grad(value, x_adv)
        x_adv = x_adv.detach() + step * gradient.sign()
        x_adv = torch.minimum(torch.maximum(x_adv, x - eps), x + eps).clamp(0, 1)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return x_adv.detach()


def same_loss_and_gradients(model, found, expected):
    """Assert it for two losses of one model."""
    parameters = list(model.parameters())
    ours = torch.autograd.grad(found, parameters)
    theirs = torch.autograd.grad(expected, parameters)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-10)
    assert any(gradient.abs().max() > 1e-4 for gradient in ours)
