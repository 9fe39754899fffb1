"""A copy of a model made to be attacked: the same function, computed faster.

An attack asks a model for one thing many times over, the gradient in the images, and never changes its
weights. So a copy may hold them as it likes: batch normalisation folded into the convolutions before
it, channels last in memory, arithmetic of fewer bits. The original stays as it is and judges the answers.
"""

import copy
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from art_segplugin.attacks.pgd import pgd
from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images, Logits
from art_segplugin.errors import InputError, out_of_memory
from art_segplugin.models.segmenter import Segmenter

PRECISIONS = ("float32", "tf32", "bfloat16")
CHANNELS_LAST, FOLDED = "channels last", "folded batch normalisation"
COMPILED, GRAPHED = "torch.compile", "CUDA graphs"

WORTH_IT = 0.97
"""Share of the original's time above which a copy is not worth its memory."""

SAME_STRENGTH = 0.005
"""By how much less an attack in fewer bits may reduce the pixel accuracy, judged in float32."""

LARGEST_PROBE = 256
"""Height and width of the corner of an image that copies are compared on."""

_OTHER = "a copy computes something else than the model"


@dataclass(frozen=True, eq=False)
class Accelerated:
    """A copy of a model to be attacked in its place, or the model itself where nothing can be done.

    Attributes:
        model: what to attack; scores are those of the original.
        taken: what was done to it.
        left_out: a sentence for each thing that was not, and why.
        precision: arithmetic of the copy: "float32", "tf32" or "bfloat16".
        share: time of one forward and backward pass over the original's; None where nobody measured.
    """

    model: Segmenter
    taken: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    precision: str = "float32"
    share: float | None = None

    @property
    def described(self) -> str:
        """What was taken, in words; "the model as it is" for nothing."""
        done = [*self.taken, *([] if self.precision == "float32" else [self.precision])]
        return ", ".join(done) or "the model as it is"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around attacks: what torch keeps for the whole process is set for them and put back."""
        if self.precision != "tf32":
            yield
            return
        backends: tuple[Any, ...] = torch.backends.cuda.matmul, torch.backends.cudnn
        before = [backend.allow_tf32 for backend in backends]
        try:
            for backend in backends:
                backend.allow_tf32 = True
            yield
        finally:
            for backend, allowed in zip(backends, before, strict=True):
                backend.allow_tf32 = allowed


def accelerated(
    model: Segmenter,
    images: Images,
    *,
    channels_last: bool = True,
    fold: bool = True,
    precision: str = "float32",
    compiled: bool = False,
    graphs: bool = False,
) -> Accelerated:
    """A copy of a model to be attacked in its place, with what is asked for as far as it can be had.

    What cannot be had is left out and said so: nothing that changes what the model computes is taken.
    With one of the images, logits and gradient of the copy are compared with those of the model in
    float64; the copy may be off by no more than a few times what the model itself is off by.

    Args:
        model: in evaluation mode, on the device to use; it is not changed.
        images: (n, ch, h, w) in [0, 1], such as are to be attacked.
        channels_last: hold weights and features so in memory.
        fold: fold batch normalisation into the convolutions before it, where nothing else reads what
            these give.
        precision: "float32"; "tf32" (CUDA) or "bfloat16", which change the logits, and which
            `fastest` takes only where attacks are as strong.
        compiled: compile the network with `torch.compile`.
        graphs: replay it as CUDA graphs, for images of this shape.

    Raises:
        InputError: another precision, or no images.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision is {precision!r}; give one of {', '.join(PRECISIONS)}.")
    if not len(images):
        raise InputError("there is no image to try the copy with; give at least one.")
    if reason := _uncopiable(model):
        return Accelerated(model, left_out=(reason,))
    with warnings.catch_warnings(), evaluation_mode(model):
        warnings.simplefilter("ignore")  # the model has said what is to be said
        judge = _Judge(model, images)
        made, taken, said = _copy_of(judge, channels_last=channels_last, fold=fold)
        precision = _precision(made, precision, judge, said)
        if compiled and _compiled(made, judge, said):
            taken.append(COMPILED)
        if graphs and _graphed(made, images, said):
            taken.append(GRAPHED)
    if not taken and precision == "float32":
        return Accelerated(model, left_out=tuple(said))
    return Accelerated(made.eval(), tuple(taken), tuple(said), precision)


def fastest(model: Segmenter, images: Images, *, like: str | None = None) -> Accelerated:
    """The fastest of the proven copies of a model, by a few steps with one of the images.

    Copies with channels last, with folded batch normalisation and with both are tried, and in fewer
    bits where the device has units for them and ten steps of PGD at 8/255 reduce the pixel accuracy
    as far (to within half a point, judged in float32). `torch.compile` and CUDA graphs are not tried:
    they take long to begin with; see `accelerated`.

    Args:
        model: in evaluation mode, on the device to use.
        images: (n, ch, h, w) in [0, 1], such as are to be attacked; all of them for the comparison of
            strengths.
        like: take the copy that is described so, as an earlier run took it, instead of measuring;
            where there is none, it is measured after all.
    """
    if not len(images):
        raise InputError("there is no image to try the copy with; give at least one.")
    if reason := _uncopiable(model):
        return Accelerated(model, left_out=(reason,))
    with warnings.catch_warnings(), evaluation_mode(model):
        warnings.simplefilter("ignore")
        judge = _Judge(model, images)
        found, said = _candidates(judge)
        for one in found:
            if one.described == like:
                return replace(one, left_out=tuple(said))
        times = _times(found, images[:1])
        for place in sorted(range(len(found)), key=times.__getitem__):
            one, share = found[place], times[place] / times[0]
            if one.model is model or share > WORTH_IT:
                break
            if one.precision == "float32" or (weaker := _weaker(one, model, images)) is None:
                return replace(one, left_out=tuple(said), share=share)
            said.append(f"{one.precision}: {weaker}.")
    if len(found) > 1:
        best = min(times[1:]) / times[0]
        said.append(f"the fastest copy takes {best:.2f} of the model's time, not worth its memory.")
    return Accelerated(model, left_out=tuple(said), share=1.0)


def _candidates(judge: "_Judge") -> tuple[list[Accelerated], list[str]]:
    """The model itself and copies that may be faster, and what there is none with."""
    whole, taken, said = _copy_of(judge)
    found = [Accelerated(judge.model)]
    if taken:
        found.append(Accelerated(whole, tuple(taken)))
    if len(taken) == 2:
        for asked in ({"fold": False}, {"channels_last": False}):
            made, part, _ = _copy_of(judge, **asked)
            found.append(Accelerated(made, tuple(part)))
    for precision in PRECISIONS[1:]:
        if missing := _no_units(precision, judge.model.device):
            said.append(missing)
            continue
        made = copy.deepcopy(whole)
        if _precision(made, precision, judge, said) == precision:
            found.append(Accelerated(made.eval(), tuple(taken), precision=precision))
    return found, said


def _copy_of(
    judge: "_Judge", *, channels_last: bool = True, fold: bool = True
) -> tuple[Segmenter, list[str], list[str]]:
    """A copy, what was done to it, and what was not and why."""
    made, taken, said = judge.precise(), list[str](), list[str]()
    if fold:
        folded = copy.deepcopy(made)
        names, reasons = _fold(folded, judge.precise_image)
        said += [f"{reason}." for reason in reasons]
        if names and (difference := judge.difference(folded)) is None:
            made, taken = folded, [f"{FOLDED} ({len(names)})"]
        elif names:
            said.append(f"{FOLDED}: {difference}.")
    if channels_last:
        last = _channels_last(made)
        if (difference := judge.difference(last)) is None:
            made, taken = last, [*taken, CHANNELS_LAST]
        else:
            said.append(f"{CHANNELS_LAST}: {difference}.")
    made = made.float().eval()
    if taken and (difference := judge.difference(made)) is not None:
        return _plain_copy(judge.model), [], [*said, f"a copy: {difference}."]
    return made, taken, said


def _uncopiable(model: Segmenter) -> str:
    """Why there can be no copy; "" if there can."""
    network: Any = model.model
    if not isinstance(network, nn.Module):
        return "the model is a function rather than a module; it is attacked as it is."
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        return "the model is TorchScript, whose layers cannot be changed; it is attacked as it is."
    floats = {each.dtype for each in network.parameters() if each.is_floating_point()}
    if floats - {torch.float32}:
        return "the weights are not float32; the model is attacked as it is."
    try:
        copy.deepcopy(model)
    except Exception as error:
        return f"the model cannot be copied ({_said(error)}); it is attacked as it is."
    return ""


def _plain_copy(model: Segmenter) -> Segmenter:
    made = copy.deepcopy(model).eval()
    return made.requires_grad_(False)


class _Prepared(nn.Module):
    """A network that gets its images channels last, or computes in another precision."""

    def __init__(
        self, network: nn.Module, *, channels_last: bool = False, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.channels_last = channels_last
        self.dtype = dtype

    def forward(self, images: Images) -> Any:
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        if self.dtype is None:
            return self.network(images)
        with torch.autocast(images.device.type, self.dtype):
            return self.network(images)


def _channels_last(made: Segmenter) -> Segmenter:
    last = copy.deepcopy(made)
    network = last.model.to(memory_format=torch.channels_last)  # type: ignore[attr-defined]
    last.model = _Prepared(network, channels_last=True)
    return last


class _Judge:
    """What a model gives for one image, in its own precision and in float64, to compare copies with."""

    def __init__(self, model: Segmenter, images: Images) -> None:
        self.model, self.image = model, images[:1, :, :LARGEST_PROBE, :LARGEST_PROBE].detach()
        try:
            self.own = _asked(model, self.image)
        except (InputError, RuntimeError) as error:  # it takes one size alone
            if out_of_memory(error):
                raise
            self.image = images[:1].detach()
            self.own = _asked(model, self.image)
        try:
            self.exact: tuple[Tensor, Tensor] | None = _asked(
                _plain_copy(model).double(), self.image.double()
            )
        except (RuntimeError, TypeError, InputError) as error:  # something there has no float64
            if out_of_memory(error):
                raise
            self.exact = None

    @property
    def precise_image(self) -> Images:
        """The image in the precision that copies are first compared in."""
        return self.image if self.exact is None else self.image.double()

    def precise(self) -> Segmenter:
        """A copy of the model in that precision."""
        made = _plain_copy(self.model)
        return made if self.exact is None else made.double()

    def difference(self, made: Segmenter) -> str | None:
        """Why a copy is not the model; None if it is, up to rounding.

        In float64 that is 1e-9. In float32 the copy's logits may be off by a few times what the
        model's are off by; a gradient jumps where rounding takes a value to the other side of a kink,
        so that it shows gross errors only.
        """
        floats = (each.dtype for each in made.parameters() if each.is_floating_point())
        dtype = next(floats, torch.float32)
        exact = self.own if self.exact is None else self.exact
        try:
            found = _asked(made, self.image.to(dtype))
        except Exception as error:
            if out_of_memory(error):
                raise
            return f"the copy failed ({_said(error)})"
        own = [_farthest(one, other) for one, other in zip(self.own, exact, strict=True)]
        allowed = (8 * own[0] + 1e-5, 8 * own[1] + 0.05)
        if dtype == torch.float64:
            allowed = (1e-9, 1e-9)
        off = [_farthest(one, other) for one, other in zip(found, exact, strict=True)]
        return None if off[0] <= allowed[0] and off[1] <= allowed[1] else _OTHER


def _asked(model: Segmenter, image: Images) -> tuple[Logits, Images]:
    """Logits of an image, and a gradient in it that no logit is without."""
    with torch.enable_grad():
        leaf = image.detach().clone().requires_grad_()
        logits = model(leaf)
        (gradient,) = torch.autograd.grad(logits.logsumexp(1).sum() + logits.square().mean(), leaf)
    return logits.detach(), gradient


def _farthest(one: Tensor, other: Tensor) -> float:
    """The root of the mean square of the difference, over that of the other."""
    one, other = one.to(torch.promote_types(one.dtype, other.dtype)), other
    if one.shape != other.shape:
        return float("inf")
    scale = other.square().mean().sqrt().clamp(min=torch.finfo(other.dtype).tiny)
    return float((one - other).square().mean().sqrt() / scale)


class _Uses(TorchFunctionMode):
    """How often each watched tensor is given to a function of torch that makes a tensor of it."""

    def __init__(self) -> None:
        super().__init__()
        self.watched: dict[int, Tensor] = {}  # kept, so that no other gets the same id
        self.count: Counter[int] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if any(isinstance(leaf, Tensor) for leaf in tree_leaves(result)):
            for leaf in tree_leaves((args, kwargs)):
                if id(leaf) in self.watched:
                    self.count[id(leaf)] += 1
        return result


def _fold(model: Segmenter, image: Images) -> tuple[list[str], list[str]]:
    """Fold batch normalisation in place, as one forward pass shows where it follows a convolution.

    Returns:
        Names of the convolutions, and why others were left as they are.
    """
    network = model.model
    assert isinstance(network, nn.Module)
    gave: dict[str, list[Tensor]] = {}
    took: dict[str, list[Tensor]] = {}
    modules = dict(network.named_modules())
    norms = {name: one for name, one in modules.items() if isinstance(one, nn.BatchNorm2d)}
    if not norms:
        return [], [f"{FOLDED}: the model has none"]

    uses = _Uses()

    def keep(where: dict[str, list[Tensor]], name: str, *, output: bool) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, result: Any) -> None:
            where.setdefault(name, []).append(result if output else inputs[0])
            if output:
                uses.watched[id(result)] = result

        return hook

    hooked = {name for name, one in modules.items() if _hooks(one)}
    with ExitStack() as stack:
        for name, one in modules.items():
            if name in norms:
                hook = keep(took, name, output=False)
            elif isinstance(one, nn.Conv2d):
                hook = keep(gave, name, output=True)
            else:
                continue
            stack.callback(one.register_forward_hook(hook).remove)
        stack.enter_context(uses)
        with torch.no_grad():
            model(image)
    of_tensor = {id(given[0]): name for name, given in gave.items() if len(given) == 1}
    names, reasons = [], Counter[str]()
    for name, norm in norms.items():
        before = of_tensor.get(id(took[name][0])) if len(took.get(name, ())) == 1 else None
        reason = _unfoldable(norm, None if before is None else modules[before])
        if reason is None and before is not None:
            if {name, before} & hooked:
                reason = "which other code listens to"
            elif uses.count[id(took[name][0])] != 1:
                reason = "whose input is also read elsewhere"
        if reason is not None or before is None:
            reasons[reason or "which follow no convolution, or several"] += 1
            continue
        _replace(network, before, fuse_conv_bn_eval(modules[before], norm))
        _replace(network, name, nn.Identity())
        names.append(before)
    return names, [
        f"{count} of {len(norms)} batch normalisations are not folded, {reason}"
        for reason, count in reasons.items()
    ]


def _unfoldable(norm: nn.BatchNorm2d, before: nn.Module | None) -> str | None:
    if before is None:
        return None
    if type(norm).forward is not nn.BatchNorm2d.forward or norm.running_mean is None:
        return "which are of another kind or normalise by the batch"
    usual = (nn.Conv2d.forward, nn.Conv2d._conv_forward)
    if (type(before).forward, getattr(type(before), "_conv_forward", None)) != usual:
        return "which follow convolutions of another kind"
    if nn.utils.parametrize.is_parametrized(before):
        return "which follow convolutions whose weights are computed"
    return None


def _hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


def _replace(network: nn.Module, name: str, by: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, by)


def _no_units(precision: str, device: torch.device) -> str:
    """Why a precision brings nothing on a device; "" if it may."""
    if device.type == "cuda":
        if precision == "tf32":
            return (
                ""
                if torch.cuda.get_device_capability(device) >= (8, 0)
                else ("tf32: this GPU has no units for it.")
            )
        return "" if torch.cuda.is_bf16_supported() else "bfloat16: this GPU has no units for it."
    if precision == "tf32":
        return f"tf32: it is for CUDA and the model is on {device.type}."
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in asked):
        return ""
    return f"bfloat16: this {device.type.upper()} has no units for it that torch names."


def _precision(made: Segmenter, asked: str, judge: _Judge, said: list[str]) -> str:
    """Have the copy compute in that precision, in place; what it computes in."""
    if asked == "float32":
        return asked
    if asked == "tf32":
        if missing := _no_units(asked, made.device):
            said.append(missing)
            return "float32"
        return asked
    network = made.model
    assert isinstance(network, nn.Module)
    made.model = _Prepared(network, dtype=torch.bfloat16)
    try:
        logits, gradient = _asked(made, judge.image)
        if bool(logits.isfinite().all()) and bool(gradient.isfinite().all()):
            return asked
        said.append("bfloat16: the copy gives values that are not finite.")
    except Exception as error:
        if out_of_memory(error):
            raise
        said.append(f"bfloat16: the copy failed ({_said(error)}).")
    made.model = network
    return "float32"


def _compiled(made: Segmenter, judge: _Judge, said: list[str]) -> bool:
    """Compile the network in place, if that works."""
    network = made.model
    try:
        made.model = torch.compile(network)
        if (difference := judge.difference(made)) is None:
            return True
        said.append(f"{COMPILED}: {difference}.")
    except Exception as error:
        if out_of_memory(error):
            raise
        said.append(f"{COMPILED}: {_said(error)}.")
    made.model = network
    return False


class _Graphed(nn.Module):
    """A network replayed as CUDA graphs for images of one shape, called for others."""

    def __init__(self, network: nn.Module, images: Images) -> None:
        super().__init__()
        self.network = network
        self.shape = images.shape
        sample = images.detach().clone().requires_grad_()
        made: Any = torch.cuda.make_graphed_callables(network, (sample,))
        self.replay: list[Any] = [made]  # in a list, so that it is no second submodule

    def forward(self, images: Images) -> Any:
        usable = images.shape == self.shape and images.requires_grad
        return self.replay[0](images) if usable else self.network(images)


def _graphed(made: Segmenter, images: Images, said: list[str]) -> bool:
    """Replay the network as CUDA graphs, in place, if that works."""
    if made.device.type != "cuda":
        said.append(f"{GRAPHED}: they are for CUDA and the model is on {made.device.type}.")
        return False
    network = made.model
    assert isinstance(network, nn.Module)
    try:
        made.model = _Graphed(copy.deepcopy(network), images)
    except Exception as error:
        if out_of_memory(error):
            raise
        made.model = network
        said.append(f"{GRAPHED}: {_said(error)}.")
        return False
    return True


def _times(found: Sequence[Accelerated], images: Images, rounds: int = 3) -> list[float]:
    """Seconds of one forward and backward pass of each, the shortest of a few in turn.

    On a CPU those that this process computed, so that others on the machine disturb little.
    """
    clock = time.process_time if images.device.type == "cpu" else time.perf_counter
    with torch.no_grad():
        labels = found[0].model(images).argmax(1)
    best = [float("inf")] * len(found)
    for repeat in range(rounds + 1):
        for place, one in enumerate(found):
            with one.at_work(), evaluation_mode(one.model), torch.enable_grad():
                started = clock()
                leaf = images.detach().requires_grad_()
                loss = cross_entropy(one.model(leaf), labels).sum()
                (gradient,) = torch.autograd.grad(loss, leaf)
                float(gradient.sum())  # waits for the device
                if repeat:  # the first is slower
                    best[place] = min(best[place], clock() - started)
    return best


def _weaker(one: Accelerated, model: Segmenter, images: Images) -> str | None:
    """By how much attacks on a copy are weaker; None where they are as strong."""
    with torch.no_grad(), evaluation_mode(model):
        labels = model(images).argmax(1)
    attack, left = pgd(8 / 255, 2 / 255, 10), []
    for attacked in (Accelerated(model), one):
        with attacked.at_work():
            x_adv = attack(attacked.model, images, labels, seeds=range(len(images)))
        with torch.no_grad(), evaluation_mode(model):
            left.append(float((model(x_adv).argmax(1) == labels).float().mean()))
    if left[1] <= left[0] + SAME_STRENGTH:
        return None
    return f"PGD leaves {left[1]:.1%} of the pixels right and {left[0]:.1%} in float32"


def _said(error: BaseException) -> str:
    """Kind and first words of an error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}".rstrip(".: ")
