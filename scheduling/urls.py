"""Addresses of this room. German paths, English names."""

from django.urls import path, register_converter

from scheduling import webhooks
from scheduling.views import (
    board,
    bookings,
    calendars,
    client_page,
    contingents,
    courses,
    enrolments,
    external,
    feeds,
    inbox,
    interpreter_link,
    interpreters,
    kinds,
    moving,
    offices,
    openings,
    planning,
    presence,
    rebooking,
    rooms,
    search,
    sessions,
    slips,
    timetables,
    waiting,
    why_not,
)


class MonthConverter:
    """A month as "2026-12"; `scheduling.board.Month` reads and writes it."""

    regex = r"\d{4}-\d{2}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(MonthConverter, "month")

app_name = "scheduling"
urlpatterns = [
    path("sprechstunde/", board.board, name="board"),
    path("sprechstunde/<month:month>/", board.board, name="board"),
    path("sprechstunde/tag/<uuid:uuid>/", board.session_day, name="session_day"),
    path("termine/<uuid:uuid>/karte/", board.slot_card, name="slot_card"),
    path("termine/<uuid:uuid>/vormerken/", board.hold, name="hold"),
    path("termine/<uuid:uuid>/verlaengern/", board.extend, name="extend"),
    path("termine/<uuid:uuid>/freigeben/", board.let_go, name="let_go"),
    path("termine/<uuid:uuid>/warum-nicht/", why_not.why_not, name="why_not"),
    path("termine/<uuid:uuid>/buchen/", bookings.book, name="book"),
    path("termine/<uuid:uuid>/buchen/ausblick/", bookings.book_outlook, name="book_outlook"),
    path("buchungen/<uuid:uuid>/", bookings.booking, name="booking"),
    path("buchungen/<uuid:uuid>/absagen/", bookings.cancel_booking, name="cancel_booking"),
    path("buchungen/<uuid:uuid>/angerufen/", bookings.called, name="called"),
    path("buchungen/<uuid:uuid>/verlegen/", moving.move_booking, name="move_booking"),
    path("buchungen/<uuid:uuid>/verlegung-zuruecknehmen/", moving.undo_move, name="undo_move"),
    path("buchungen/<uuid:uuid>/stand/", bookings.mark, name="mark"),
    # Short, and without a slash at the end: it stands in SMS.
    path("t/<str:token>", client_page.client_page, name="client_page"),
    path("t/<str:token>/termin.ics", client_page.client_calendar, name="client_calendar"),
    # Called by the SMS gateway; with a district where each has a number of its own.
    path("sms/antwort/", webhooks.incoming_text, name="incoming_text"),
    path("sms/antwort/<uuid:uuid>/", webhooks.incoming_text, name="incoming_text"),
    path("sms-eingang/", inbox.inbox, name="inbox"),
    path("sms-eingang/<uuid:uuid>/antwort/", inbox.take, name="take_text"),
    path("sms-eingang/<uuid:uuid>/erledigt/", inbox.handled, name="handle_text"),
    # Asked for by calendars; what stands after /k/ is a secret.
    path("k/<str:token>.ics", feeds.feed, name="feed"),
    path("kalender/abo/", feeds.subscription, name="subscription"),
    path("kalender/abo/adresse/", feeds.create, name="create_feed"),
    path("kalender/abo/sperren/", feeds.revoke, name="revoke_feed"),
    path("kalender/", timetables.own, name="timetable"),
    path("kalender/von/<uuid:uuid>/", timetables.resource, name="timetable_of"),
    path("kalender/von/<uuid:uuid>/<slug:form>/<slug:on>/", timetables.resource, name="timetable_of"),
    path("kalender/jahr/", timetables.year, name="timetable_year"),
    path("kalender/jahre/<int:year>/", timetables.year, name="timetable_year"),
    path("kalender/extern/", external.calendars, name="external"),
    path("kalender/extern/<uuid:uuid>/entfernen/", external.remove, name="remove_external"),
    path("buchungen/<uuid:uuid>/termin.ics", calendars.booking_ics, name="booking_ics"),
    path("buchungen/<uuid:uuid>/zettel/", slips.slip, name="slip"),
    path("planung/", sessions.session_list, name="sessions"),
    path("planung/<int:year>/", sessions.session_list, name="sessions"),
    path("planung/jahr/", planning.plan_year, name="plan_year"),
    path("planung/sprechstunden/<uuid:uuid>/", sessions.session, name="session"),
    path("planung/sprechstunden/<uuid:uuid>/absagen/", sessions.cancel_session, name="cancel_session"),
    path("planung/sprechstunden/<uuid:uuid>/verlegen/", moving.move_session, name="move_session"),
    path("planung/serien/<uuid:uuid>/aendern/", planning.change_series, name="change_series"),
    path("planung/serien/<uuid:uuid>/beenden/", sessions.end_series, name="end_series"),
    path("raeume/", rooms.room_list, name="rooms"),
    path("raeume/neu/", rooms.room, name="add_room"),
    path("raeume/<uuid:uuid>/", rooms.room, name="room"),
    path("verfuegbarkeit/", presence.resource_list, name="presences"),
    path("verfuegbarkeit/<uuid:uuid>/", presence.resource, name="presence"),
    path("verfuegbarkeit/<uuid:uuid>/wochenzeiten/", presence.set_hours, name="set_hours"),
    path("verfuegbarkeit/<uuid:uuid>/abwesenheit/", presence.add_absence, name="add_absence"),
    path("abwesenheiten/<uuid:uuid>/entfernen/", presence.remove_absence, name="remove_absence"),
    path("planung/sprechstunden/<uuid:uuid>/kontingente/", contingents.contingents, name="contingents"),
    path("planung/termine/<uuid:uuid>/teilen/", waiting.divide, name="divide"),
    path("warteliste/", waiting.waiting_list, name="waiting"),
    path("warteliste/neu/", waiting.enter, name="enter_waiting"),
    path("warteliste/<uuid:uuid>/", waiting.entry, name="waiting_entry"),
    path("warteliste/<uuid:uuid>/austragen/", waiting.withdraw, name="withdraw_waiting"),
    path("warteliste/termin/<uuid:uuid>/", waiting.why, name="why_whom"),
    path("angebote/", waiting.offers_to_me, name="offers"),
    path("angebote/<uuid:uuid>/annehmen/", waiting.accept, name="accept_offer"),
    path("angebote/<uuid:uuid>/ablehnen/", waiting.decline, name="decline_offer"),
    path("terminarten/", kinds.kind_list, name="kinds"),
    path("terminarten/neu/", kinds.kind, name="add_kind"),
    path("terminarten/ergaenzen/", kinds.begin, name="begin_kinds"),
    path("terminarten/<uuid:uuid>/", kinds.kind, name="kind"),
    path("kalender/stellen/", offices.calendar_list, name="calendars"),
    path("kalender/stellen/neu/", offices.calendar, name="add_calendar"),
    path("kalender/stellen/<uuid:uuid>/", offices.calendar, name="calendar"),
    path("kalender/stellen/<uuid:uuid>/teilen/", offices.share, name="share_calendar"),
    path(
        "kalender/stellen/<uuid:uuid>/teilen/<uuid:organisation>/beenden/",
        offices.unshare,
        name="unshare_calendar",
    ),
    path("freier-termin/", search.search, name="search"),
    path("freier-termin/<uuid:uuid>/karte/", search.free_card, name="free_card"),
    path("sprechzeiten/", openings.opening_list, name="openings"),
    path("sprechzeiten/neu/", openings.open_times, name="open_times"),
    path("sprechzeiten/<uuid:uuid>/", openings.day_list, name="day_list"),
    path("termine/<uuid:uuid>/ohne-termin/", openings.walk_in, name="walk_in"),
    path("sprachmittlung/", interpreters.assignment_list, name="assignments"),
    path("sprachmittlung/register/", interpreters.register, name="interpreter_register"),
    path("sprachmittlung/pools/neu/", interpreters.pool, name="add_interpreter_pool"),
    path("sprachmittlung/pools/<uuid:uuid>/", interpreters.pool, name="interpreter_pool"),
    path("sprachmittlung/personen/neu/", interpreters.interpreter, name="add_interpreter"),
    path("sprachmittlung/personen/<uuid:uuid>/", interpreters.interpreter, name="interpreter"),
    path("sprachmittlung/<uuid:uuid>/", interpreters.assignment, name="assignment"),
    path("sprachmittlung/<uuid:uuid>/anfragen/", interpreters.offer, name="offer_assignment"),
    path("sprachmittlung/<uuid:uuid>/stand/", interpreters.act, name="act_on_assignment"),
    # Short, and without a slash at the end: it stands in e-mails.
    path("e/<str:token>", interpreter_link.answer, name="interpreter_link"),
    path("kurse/", courses.course_list, name="courses"),
    path("kurse/neu/", courses.add_course, name="add_course"),
    path("kurse/<uuid:uuid>/", courses.course, name="course"),
    path("kurse/<uuid:uuid>/karte/", courses.course_card, name="course_card"),
    path("kurse/<uuid:uuid>/plaetze/", courses.course_places, name="course_places"),
    path("kurse/<uuid:uuid>/aendern/", courses.change_course, name="change_course"),
    path("kurse/<uuid:uuid>/termine/", courses.add_lessons, name="add_lessons"),
    path("kurse/<uuid:uuid>/absagen/", courses.call_off_course, name="call_off_course"),
    path("kurse/<uuid:uuid>/anmelden/", enrolments.enrol, name="enrol"),
    path("kurse/<uuid:uuid>/liste/", enrolments.participants, name="participants"),
    path("kurstermine/<uuid:uuid>/", enrolments.roll, name="roll"),
    path("kurstermine/<uuid:uuid>/absagen/", courses.cancel_lesson, name="cancel_lesson"),
    path("kursplaetze/<uuid:uuid>/", enrolments.end_place, name="end_place"),
    path("neu-vergeben/", rebooking.rebook, name="rebook"),
    path("neu-vergeben/<uuid:uuid>/erledigt/", rebooking.settle, name="settle_rebooking"),
    # After all that begins with "kalender/".
    path("kalender/<slug:form>/<slug:on>/", timetables.own, name="timetable"),
]
