def write_movie_page(plan, course, *, clock):
    p = plan.directory / "index.html"; p.write_text("x"); return p
