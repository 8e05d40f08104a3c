"""`python -m hotline` is the command `hotline`."""

from hotline.cli import main

main()
