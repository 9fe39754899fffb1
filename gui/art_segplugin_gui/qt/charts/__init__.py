"""Charts of the window: NumPy in, Qt signals out. Setters never emit."""
