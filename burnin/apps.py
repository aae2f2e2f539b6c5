from django.apps import AppConfig


class BurninConfig(AppConfig):
    name = "burnin"
    verbose_name = "Burn-ins"
