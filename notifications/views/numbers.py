"""Messages in numbers, for who coordinates or runs the district."""

import csv
from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from notifications import numbers


@requires(Permission.PLAN_SESSIONS, Permission.MANAGE_DISTRICT)
@require_GET
def message_numbers(request: SignedInRequest) -> HttpResponse:
    """The last twelve months; one of them by language and organisation. `form=csv` for a spreadsheet."""
    district = request.user.district
    months = numbers.months(district)
    if request.GET.get("form") == "csv":
        return _csv(months)
    chosen = _chosen(request.GET.get("monat", ""), months)
    context = {
        "months": months,
        "chosen": chosen,
        "by_language": numbers.by_language(district, chosen) if chosen else [],
        "by_organisation": numbers.by_organisation(district, chosen) if chosen else [],
    }
    return render(request, "notifications/numbers.html", context)


def _chosen(said: str, months: list[numbers.Month]) -> date | None:
    known = {f"{month.on:%Y-%m}": month.on for month in months}
    return known.get(said) or (months[0].on if months else None)


def _csv(months: list[numbers.Month]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="nachrichten.csv"'
    answer.write("\ufeff")  # so that spreadsheets read the umlauts
    sheet = csv.writer(answer, delimiter=";")
    sheet.writerow(
        [
            _("Monat"), _("SMS"), _("SMS-Teile"), _("Euro"), _("zugestellt"), _("nicht zustellbar"),
            _("unklar"), _("E-Mails"), _("persönlich"), _("erhalten"),
        ]
    )  # fmt: skip
    sheet.writerows(numbers.as_rows(months))
    return answer
