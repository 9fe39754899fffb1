"""Which files are models; knows neither torch nor Qt."""

CHECKPOINT_SUFFIXES = (
    ".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".onnx", ".torchscript",
)  # fmt: skip
"""Those that `art_segplugin.models.load_model` takes for models."""
