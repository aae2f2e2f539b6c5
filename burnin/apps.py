from django.apps import AppConfig


class BurninConfig(AppConfig):
    name = "burnin"
