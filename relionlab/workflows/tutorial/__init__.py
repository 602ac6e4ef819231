"""The main job, `relionlab tutorial`: its plans, data, jobs and sections of its page; from movies, or from particles."""
