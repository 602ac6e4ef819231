"""How good results are where the truth is known: motion and CTFs, picks, classes, maps and poses."""
