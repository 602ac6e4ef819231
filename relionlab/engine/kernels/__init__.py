"""The few loops that the array vocabulary lacks: each has a CPU body (Numba) and a GPU body (CuPy), one name.

Only this folder and ``engine/array.py`` know CuPy.
"""
