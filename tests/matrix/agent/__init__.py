"""Long tests of the agent."""
