"""Which files are models; knows neither torch nor Qt."""

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
"""Those that `art_segplugin.models.load_model` takes for weights."""
