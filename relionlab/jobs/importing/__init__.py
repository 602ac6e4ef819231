"""Import: movies, micrographs, coordinates, particles and maps come into the project."""
