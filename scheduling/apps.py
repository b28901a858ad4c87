from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Time. Shows a client's appointments on the page of the room below."""

    name = "scheduling"

    def ready(self) -> None:
        from accounts import districts
        from clients import panels
        from notifications import proofs
        from scheduling import kinds, offers, resources, vacancies
        from scheduling.panels import appointments, courses

        districts.at_start(kinds.begin)
        vacancies.register(offers.make)
        proofs.know_places(resources.addresses)
        panels.register("appointments", order=10, render=appointments)
        panels.register("courses", order=15, render=courses)
