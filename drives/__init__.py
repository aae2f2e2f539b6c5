"""What is there: systems, drives, their self-tests, readings and runs. It knows no burn-ins."""
