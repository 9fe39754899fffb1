"""Data sets: rendered street scenes, CamVid, folders of pictures, and their palettes."""
