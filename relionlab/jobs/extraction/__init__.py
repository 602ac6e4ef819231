"""Extract and the program preprocess: particle images cut out of micrographs, or a stack prepared anew."""
