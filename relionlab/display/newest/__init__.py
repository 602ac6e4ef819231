"""One micrograph's result of a job that goes micrograph by micrograph, as it has just been written: numbers and a picture."""
