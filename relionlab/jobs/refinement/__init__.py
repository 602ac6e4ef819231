"""Class2D and the program refine: images, references and poses."""
