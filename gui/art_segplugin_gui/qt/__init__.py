"""The window: NumPy in, pixels out. No torch."""
