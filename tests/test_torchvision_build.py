"""A torchvision whose operators do not load is survived without help from the tests' set-up."""

import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest

ZOOS = ("torchvision", "transformers", "segmentation_models_pytorch")
FAKE = {
    "__init__.py": "from torchvision import _meta_registrations, models",
    "_meta_registrations.py": """
        import torch

        @torch.library.register_fake("torchvision::nms")
        def nms(dets, scores, iou_threshold):
            return dets

        @torch.library.register_fake("torchvision::qnms")
        def qnms(dets, scores, iou_threshold):
            return dets
    """,
    "models.py": "HERE = True",
}


def _python(code, path=""):
    lines = f"import sys\nif {path!r}: sys.path.insert(0, {path!r})\n{textwrap.dedent(code)}"
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def without_operators(tmp_path):
    """The part of torchvision that describes its operators, which no library has registered."""
    package = tmp_path / "torchvision"
    package.mkdir()
    for name, code in FAKE.items():
        (package / name).write_text(textwrap.dedent(code))
    return str(tmp_path)


def test_missing_operators_are_declared(without_operators):
    code = """
        try:
            import torchvision
        except RuntimeError as error:
            print("does not exist" in str(error))
        from art_segplugin.torchvision_build import import_torchvision
        models = import_torchvision("torchvision.models")
        print(models.HERE, import_torchvision("torchvision.models") is models)
    """
    assert _python(code, without_operators) == ["True", "True", "True"]


def test_another_fault_is_not_hidden(without_operators, tmp_path):
    (tmp_path / "torchvision" / "models.py").write_text("raise RuntimeError('another')")
    code = """
        from art_segplugin.errors import InputError
        from art_segplugin.models.optional import import_zoo
        try:
            import_zoo("torchvision.models")
        except InputError as error:
            print("imported (another)" in str(error))
    """
    assert _python(code, without_operators) == ["True"]


@pytest.mark.slow
@pytest.mark.skipif(
    not all(find_spec(name) for name in ZOOS),
    reason="zoos not installed",
)
def test_the_zoos_load_with_the_torchvision_that_is_here(tmp_path):
    code = f"""
        from art_segplugin.models.optional import import_zoo
        from art_segplugin.models import load_model
        import torch
        transformers = import_zoo("transformers")
        config = transformers.SegformerConfig(
            num_encoder_blocks=1, depths=[1], sr_ratios=[2], hidden_sizes=[8],
            num_attention_heads=[1], patch_sizes=[7], strides=[4], mlp_ratios=[2],
            decoder_hidden_size=8,
        )
        transformers.SegformerForSemanticSegmentation(config).save_pretrained({str(tmp_path)!r})
        print(load_model("hf:" + {str(tmp_path)!r})(torch.rand(1, 3, 32, 32)).shape[1])
        print(import_zoo("torchvision.models").list_models()[0])
        print(import_zoo("segmentation_models_pytorch").__name__)
    """
    assert _python(code) == ["2", "alexnet", "segmentation_models_pytorch"]
