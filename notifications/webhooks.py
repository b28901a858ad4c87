"""Where the gateway tells what became of a message."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.access import public
from notifications import delivery, links


@public(because="called by the SMS gateway: its signature and our signed message id are checked")
@csrf_exempt
@require_POST
def status(request: HttpRequest, token: str) -> HttpResponse:
    """One status callback. Refused unless signed; what we do not know or have heard before is ignored."""
    from notifications.channels import sms  # here, because Twilio's client loads for as long as Django

    about = links.about(token)
    if about is None or not links.fits(token, sms.CALLBACK, 1) or not sms.valid_callback(request):
        return HttpResponse(status=403)
    said = request.POST.get("MessageStatus", "")
    if said in sms.STATUSES:
        delivery.report(
            about,
            sms.STATUSES[said],
            said=said,
            gateway_id=request.POST.get("MessageSid", "")[:64],
            error_code=request.POST.get("ErrorCode", "")[:20],
        )
    return HttpResponse(status=204)
