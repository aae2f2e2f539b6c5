"""Long tables of cases: `./run long` runs them."""
