"""`python -m art_segplugin` is `art-segplugin`."""

from art_segplugin.cli import main

if __name__ == "__main__":
    main()
