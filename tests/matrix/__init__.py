"""Long tables of cases: CI runs them, `./run test` does not."""
