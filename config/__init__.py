"""What may be kept secret, and (with the settings page) what may be changed while it runs."""
