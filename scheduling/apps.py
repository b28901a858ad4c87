from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Time. Shows a client's appointments on the page of the room below."""

    name = "scheduling"

    def ready(self) -> None:
        from clients import panels
        from scheduling import offers, vacancies
        from scheduling.panels import appointments

        vacancies.register(offers.make)
        panels.register("appointments", order=10, render=appointments)
