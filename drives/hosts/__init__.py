"""The shell of a NAS and the agent on it. No models and no Celery here."""
