from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "clients"

    def ready(self) -> None:
        from accounts import users
        from clients import registry

        users.register_tie(registry.has_cases)
