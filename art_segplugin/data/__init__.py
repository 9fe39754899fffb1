"""Data sets: rendered street scenes, CamVid, folders of images and of classes, and palettes."""
