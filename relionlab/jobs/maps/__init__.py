"""What follows a refinement: masks, post-processing, local resolution, and image_handler."""
