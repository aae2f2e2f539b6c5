"""Processes killed, hosts rebooted, folders lost while burn-ins run: they go on without loss."""
