"""What 2D classification and 3D refinement share: particles, their images on the polar grid, in-plane angles."""
