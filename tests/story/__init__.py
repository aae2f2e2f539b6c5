"""A database that tells a story: drives in every state, and a year of burn-ins behind them.

For screenshots, and for tests of whole pages (tests/matrix/pages). Nobody listens behind its
systems, so what it shows stands still.
"""
