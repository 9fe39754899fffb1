"""Data sets: rendered street scenes, CamVid, folders of pictures and of classes, and palettes."""
