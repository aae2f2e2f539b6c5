"""The front door: makes the environment, starts and stops the product, runs checks and tests.

It stands apart: it starts the other rooms as programs and imports none of them. What runs before
the virtual environment exists uses the standard library alone.
"""
