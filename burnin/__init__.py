"""What is done to drives: jobs, their stages, and the verdict."""
