from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "burnin_site"
