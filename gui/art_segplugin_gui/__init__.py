"""The desktop application of art-segplugin."""
