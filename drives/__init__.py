"""What is there: systems, drives, their self-tests, readings and runs. Burn-ins are not known here."""
