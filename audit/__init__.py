"""What happened, who did it, append-only. Notifications are delivered from these events."""
