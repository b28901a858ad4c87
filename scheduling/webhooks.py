"""Where the gateway hands over what clients write back."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.access import public
from accounts.models import District
from scheduling import answers
from scheduling.answers import Received

# Twilio wants TwiML; empty: nothing is sent back on its own.
_NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@public(because="called by the SMS gateway: its signature over our published address is checked")
@csrf_exempt
@require_POST
def incoming_text(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """One SMS from a client; `uuid` is the district whose number it was sent to, where each has its own."""
    from notifications.channels import sms  # here, because Twilio's client loads for as long as Django

    if not sms.valid_callback(request):
        return HttpResponse(status=403)
    said = {name: request.POST.get(name, "") for name in ("MessageSid", "From", "Body", "OptOutType")}
    if not (said["MessageSid"] and said["From"]):
        return HttpResponse(status=400)
    district = get_object_or_404(District, uuid=uuid) if uuid else None
    received = Received(said["MessageSid"][:64], said["From"][:40], said["Body"], said["OptOutType"])
    answers.receive(received, district=district)
    return HttpResponse(_NOTHING_TO_SAY, content_type="text/xml")
