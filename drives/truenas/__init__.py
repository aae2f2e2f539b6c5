"""The NAS's dialects. No models and no Celery here: answers come out as drives.truenas.types."""
