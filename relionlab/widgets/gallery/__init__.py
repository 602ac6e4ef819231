"""Galleries: many images beside each other, tables of any STAR file, and choosing among them."""
