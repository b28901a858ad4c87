from django.apps import AppConfig


class ConsultationsConfig(AppConfig):
    """Reasons. Shows a client's referrals and help plan on the page of the lower room."""

    name = "consultations"

    def ready(self) -> None:
        from clients import panels, registry
        from consultations import referrals as rules
        from consultations import waiting_list, ways
        from consultations.panels import help_plan, referrals
        from scheduling import acceptance, doors, waiting, why_not

        panels.register("help_plan", order=5, render=help_plan)
        panels.register("referrals", order=20, render=referrals)
        registry.register_following(rules.follow)
        waiting.register(waiting_list.against)
        why_not.register(ways.cases)
        acceptance.register(waiting_list.is_ours, waiting_list.take)
        doors.register(
            book_hold=ways.book_hold, about=ways.about, lock=ways.lock, against_move=ways.against_move
        )
