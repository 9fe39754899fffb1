"""The attacks that `peers.py` compares: ours, those of other packages, and two written out here.

An entry takes a model, a problem, a radius, steps and a seed, and gives its answers: one batch of images,
or several of which the judge takes the worst case. It is called an entry of `radius=False` if it looks for
the smallest perturbation; what it returns may lie outside the radius, and the judge clips it.
"""

import importlib
import importlib.machinery
import importlib.util
import math
import sys
import types
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.attacks.registry import ATTACKS, named, parameters
from art_segplugin.errors import InputError
from art_segplugin.torchvision_build import import_torchvision

COSPGD_STEP = 0.01
"""The step of CosPGD's paper and of SemSegBench, at whatever radius."""

SEA_LOSSES = ("mce-bal", "mce", "js")


@dataclass(frozen=True, eq=False)
class Problem:
    """Images (n, 3, h, w) in [0, 1] and their labels, with what attacks need to know of them."""

    images: Tensor
    labels: Tensor
    classes: int
    ignore_index: int
    count_class_pixels: Callable[[], Tensor]

    @cached_property
    def class_pixels(self) -> Tensor:
        """Pixels of each class in the training data, (classes,)."""
        return self.count_class_pixels()

    @property
    def valid(self) -> Tensor:
        return self.labels != self.ignore_index

    def part(self, rows: slice) -> "Problem":
        images, labels = self.images[rows], self.labels[rows]
        known = lambda: self.class_pixels  # noqa: E731
        return Problem(images, labels, self.classes, self.ignore_index, known)


@dataclass(frozen=True)
class Entry:
    """One row of the comparison.

    Attributes:
        library: where the attack comes from.
        attack: what it is called there.
        run: (model, problem, eps, steps, seed) -> answers.
        radius: False for an attack that looks for the smallest perturbation.
        runs: how many runs of so many steps it is made of.
        missing: why it cannot run; "" if it can.
    """

    library: str
    attack: str
    run: Callable[..., list[Tensor]]
    radius: bool = True
    runs: int = 1
    missing: str = ""

    @property
    def name(self) -> str:
        return f"{self.library}/{self.attack}"

    @property
    def ours(self) -> bool:
        return self.library == "art-segplugin"


# ---- ours


def ours(recipe, options, model, problem, eps, steps, seed):
    given = {"eps": eps, "ignore_index": problem.ignore_index} | options
    if given.get("step_size") == QUARTER:
        given["step_size"] = eps / 4
    if "class_pixels" in parameters(recipe):
        given["class_pixels"] = problem.class_pixels.tolist()
    attack = named(f"{recipe}-{steps}", **given).build()
    generator = torch.Generator(problem.images.device).manual_seed(seed)
    # Of an ensemble each member's answer, of which the judge takes the worst case for each measure.
    answers = {}
    for iterate in attack.iterates(
        model, problem.images, problem.labels, generator=generator, final_forward=False
    ):
        answers[iterate.member] = iterate.answer_of_member
    return list(answers.values())


QUARTER = "eps/4"
OURS = (
    ("PGD", "pgd", {"step_size": QUARTER}),
    ("SegPGD", "segpgd", {"step_size": QUARTER}),
    ("CosPGD", "cospgd", {"step_size": QUARTER}),
    ("PGD annealed", "pgd", {"step_schedule": "cosine"}),
    ("SegPGD annealed", "segpgd", {"step_schedule": "cosine"}),
    ("CosPGD annealed", "cospgd", {"step_schedule": "cosine"}),
    ("APGD", "apgd", {}),
    ("APGD JS", "apgd", {"loss": "js"}),
    ("SEA", "sea", {}),
    ("strong", "strong", {}),
)


def our_entry(title, recipe, options):
    missing = ""
    if recipe not in ATTACKS:
        missing = f"there is no attack {recipe!r} here yet"
    elif unknown := set(options) - set(parameters(recipe)):
        missing = f"{recipe} has no {', '.join(unknown)} yet"
    else:
        try:
            named(recipe, **{k: v for k, v in options.items() if v != QUARTER})
        except InputError as error:
            missing = str(error)
    runs = 3 if recipe == "sea" else 1
    return Entry("art-segplugin", title, partial(ours, recipe, options), runs=runs, missing=missing)


# ---- the bare loop


def bare_loop(model, problem, eps, steps, seed):
    """Forward, mean cross-entropy, gradient to the input, sign, clip: what any attack needs."""
    x, generator = problem.images, torch.Generator(problem.images.device).manual_seed(seed)
    x_adv = (x + torch.empty_like(x).uniform_(-eps, eps, generator=generator)).clamp(0, 1)
    for _ in range(steps):
        x_adv = x_adv.detach().requires_grad_(True)
        loss = F.cross_entropy(model(x_adv), problem.labels, ignore_index=problem.ignore_index)
        (gradient,) = torch.autograd.grad(loss, x_adv)
        x_adv = x_adv.detach() + eps / 4 * gradient.sign()
        x_adv = (x + (x_adv - x).clamp(-eps, eps)).clamp(0, 1)
    return [x_adv]


# ---- torchattacks and ART


def torchattacks_s(name, model, problem, eps, steps, seed):
    import torchattacks

    torch.manual_seed(seed)
    attack = getattr(torchattacks, name)(model, eps=eps, alpha=eps / 4, steps=steps)
    # its cross-entropy has PyTorch's mark of void pixels
    return [attack(problem.images, problem.labels.masked_fill(~problem.valid, -100))]


def art_s_pgd(model, problem, eps, steps, seed):
    import numpy as np
    from art.attacks.evasion import ProjectedGradientDescent

    from art_segplugin.wrappers.art import PyTorchSegmenter

    np.random.seed(seed)
    x = problem.images
    estimator = PyTorchSegmenter(
        model,
        input_shape=tuple(x.shape[1:]),
        nb_classes=problem.classes,
        ignore_index=problem.ignore_index,
        clip_values=(0.0, 1.0),
        device_type="gpu" if x.is_cuda else "cpu",
    )
    attack = ProjectedGradientDescent(
        estimator,
        eps=eps,
        eps_step=eps / 4,
        max_iter=steps,  # from the images: ART draws random starts for classifiers only
        batch_size=len(x),
        verbose=False,
    )
    answer = attack.generate(x.cpu().numpy(), problem.labels.cpu().numpy())
    return [torch.from_numpy(answer).to(x)]


# ---- the cospgd package, whose functions are made into a loop as its page shows


def cospgd_s(scale, step, model, problem, eps, steps, seed):
    from cospgd import functions

    torch.manual_seed(seed)
    x, labels = problem.images, problem.labels
    x_adv = functions.init_linf(x, eps)
    for i in range(steps):
        x_adv = x_adv.detach().requires_grad_(True)
        logits = model(x_adv)
        loss = F.cross_entropy(logits, labels, ignore_index=problem.ignore_index, reduction="none")
        if scale == "cospgd":
            loss = functions.cospgd_scale(logits, labels, loss, num_classes=problem.classes)
        else:
            loss = functions.segpgd_scale(logits, labels, loss, i, steps)
        loss.mean().backward()
        x_adv = functions.step_inf(x_adv, eps, x_adv.grad, x, step or eps / 4, targeted=False)
    return [x_adv]


# ---- adv-lib, with the constants of Halmosi et al. (arXiv:2407.09150)


def advlib(name):
    """Its segmentation attacks; they need a working torchvision, and visdom only to be imported."""
    import_torchvision()
    if importlib.util.find_spec("visdom") is None:
        stub = types.ModuleType("visdom")
        stub.Visdom = object
        stub.__spec__ = importlib.machinery.ModuleSpec("visdom", None)
        sys.modules["visdom"] = stub
    return getattr(importlib.import_module("adv_lib.attacks.segmentation"), name)


def advlib_s(name, steps_called, options, model, problem, eps, steps, seed):
    torch.manual_seed(seed)
    attack = advlib(name)
    # ALMA-prox compiles its proximal step, which takes minutes on a CPU and gains nothing there.
    stance = getattr(torch.compiler, "set_stance", None)
    eager = nullcontext() if stance is None or problem.images.is_cuda else stance("force_eager")
    labels = problem.labels.masked_fill(~problem.valid, problem.classes)
    with eager:
        return [attack(model, problem.images, labels, **{steps_called: steps}, **options).detach()]


# ---- SEA as published: Croce et al., ECCV 2024, arXiv:2306.12941; losses and stages from its equations


def sea_loss(name, class_pixels, logits, labels, valid):
    """One of its losses of each pixel, 0 on void ones; masks and weights only matter in gradients."""
    log_p = logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
    if name == "js":
        p = log_p.exp()
        # m is half of p but at the label, so everything is a function of p there.
        towards = (1 - p) * math.log(2) + torch.xlogy(p, 2 * p / (1 + p))
        pixel_loss = 0.5 * towards + 0.5 * torch.log(2 / (1 + p))
    else:
        pixel_loss = -log_p * (logits.argmax(1) == labels)
        if name == "mce-bal":
            pixels = class_pixels.to(logits).clamp(min=1)
            pixel_loss = pixel_loss * (pixels.min() / pixels)[labels]
    return pixel_loss * valid


def straight_apgd(model, problem, start, eps, steps, loss):
    """APGD that climbs `loss` and sets its step size by the cross-entropy; lowest accuracy wins.

    Checkpoints are those of the authors' program: whole numbers of steps apart, where algorithm 1
    rounds each share of the run up, so that short runs are checked more often here than in ours; and
    the step after a restart is an increase if it exceeds the point that was left, not the best one.
    With algorithm 1 in both places the points are those of our `apgd`.
    """
    x, valid = problem.images, problem.valid
    labels = problem.labels.masked_fill(~valid, 0)
    project = lambda z: (x + (z - x).clamp(-eps, eps)).clamp(0, 1)  # noqa: E731
    each = lambda values: values.view(-1, 1, 1, 1)  # noqa: E731
    pixels = valid.flatten(1).sum(1).clamp(min=1)

    def look(z, with_gradient):
        gradient = None
        with torch.set_grad_enabled(with_gradient):
            leaf = z.detach().requires_grad_(with_gradient)
            logits = model(leaf)
            if with_gradient:
                total = loss(problem.class_pixels, logits, labels, valid).sum()
                (gradient,) = torch.autograd.grad(total, leaf)
        logits = logits.detach()
        tracked = (F.cross_entropy(logits, labels, reduction="none") * valid).flatten(1).sum(1)
        right = ((logits.argmax(1) == labels) & valid).flatten(1).sum(1)
        return gradient, tracked / pixels, right / pixels

    size = torch.full((len(x), 1, 1, 1), 2 * eps, device=x.device)
    check, shrink, least = (max(int(share * steps), 1) for share in (0.22, 0.03, 0.06))
    x_adv = previous = project(start)
    gradient, before, lowest = look(x_adv, True)
    best, best_gradient, best_loss, answer = x_adv, gradient, before, x_adv
    at_check, halved = best_loss, torch.ones_like(best_loss, dtype=torch.bool)
    rises, counted = torch.zeros_like(best_loss), 0
    for i in range(steps):
        ahead = project(x_adv + size * gradient.sign()) - x_adv
        share = 0.75 if i else 1.0
        moved = project(x_adv + share * ahead + (1 - share) * (x_adv - previous))
        previous, x_adv = x_adv, moved
        gradient, tracked, accuracy = look(x_adv, i + 1 < steps)
        answer = torch.where(each(accuracy < lowest), x_adv, answer)
        lowest = torch.minimum(lowest, accuracy)
        if gradient is None:
            break
        rises, before = rises + (tracked > before), tracked
        better = tracked > best_loss
        best = torch.where(each(better), x_adv, best)
        best_gradient = torch.where(each(better), gradient, best_gradient)
        best_loss = torch.maximum(best_loss, tracked)
        counted += 1
        if counted == check:
            halved = (rises <= 0.75 * check) | (~halved & (best_loss <= at_check))
            size = torch.where(each(halved), size / 2, size)
            x_adv = torch.where(each(halved), best, x_adv)
            gradient = torch.where(each(halved), best_gradient, gradient)
            at_check, rises, counted = best_loss, torch.zeros_like(rises), 0
            check = max(check - shrink, least)
    return answer


def straight_sea(model, problem, eps, steps, seed):
    """Per loss: 2 eps, 1.5 eps, eps with 3 : 3 : 4 of the steps, each from the answer before."""
    x, generator = problem.images, torch.Generator(problem.images.device).manual_seed(seed)
    answers = []
    for name in SEA_LOSSES:
        noise = torch.empty_like(x).uniform_(-2 * eps, 2 * eps, generator=generator)
        x_adv, few = x + noise, int(0.3 * steps)
        for factor, part in ((2, few), (1.5, few), (1, steps - 2 * few)):
            if part:
                loss = partial(sea_loss, name)
                x_adv = straight_apgd(model, problem, x_adv, factor * eps, part, loss)
        answers.append(x_adv)
    return answers


# ---- all of them


def package(name):
    """Why a package cannot be used; "" if it can."""
    return "" if importlib.util.find_spec(name) else "not installed"


def entries(also=()):
    """All rows, those that cannot run with the reason; `also` names more attacks of ours."""
    torchattacks, art, cospgd, adv = map(package, ("torchattacks", "art", "cospgd", "adv_lib"))
    found = [Entry("bare loop", "PGD", bare_loop)]
    found += [our_entry(*one) for one in (*OURS, *((name, name, {}) for name in also))]
    for name in ("PGD", "BIM", "MIFGSM", "NIFGSM"):
        run = partial(torchattacks_s, name)
        found.append(Entry("torchattacks", name, run, missing=torchattacks))
    found.append(Entry("ART", "PGD", art_s_pgd, missing=art))
    for title, scale, step in (
        ("SegPGD", "segpgd", None),
        ("CosPGD", "cospgd", None),
        ("CosPGD step .01", "cospgd", COSPGD_STEP),
    ):
        found.append(Entry("cospgd", title, partial(cospgd_s, scale, step), missing=cospgd))
    for title, name, steps_called, options in (
        ("DAG", "dag", "max_iter", {"γ": 0.003}),  # noqa: RUF001
        ("PDPGD", "pdpgd", "num_steps", {"norm": float("inf"), "primal_lr": 0.01}),
        ("ALMA-prox", "alma_prox", "num_steps", {"lr_init": 1e-4}),
    ):
        run = partial(advlib_s, name, steps_called, options)
        found.append(Entry("adv-lib", title, run, radius=False, missing=adv))
    found.append(Entry("SEA, as published", "SEA", straight_sea, runs=len(SEA_LOSSES)))
    return found
