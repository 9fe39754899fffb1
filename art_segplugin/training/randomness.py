"""Random numbers that depend on names, not on what ran before."""

import hashlib

import torch


def derived_seed(*keys: int | str) -> int:
    """Return a seed in [0, 2^56) that depends on all keys and on nothing else.

    A run that goes on after a crash thereby draws what the unbroken run would have drawn, without
    any saved generator state.
    """
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big")


def derived_generator(*keys: int | str) -> torch.Generator:
    """Return a CPU generator seeded by `derived_seed`."""
    return torch.Generator().manual_seed(derived_seed(*keys))
