"""What the tests of the house share."""

import pytest
from cryptography.fernet import Fernet


@pytest.fixture
def production() -> dict[str, str]:
    """All that production needs in its environment."""
    return {
        "SPRECHSTUNDE_MODE": "production",
        "SECRET_KEY": "only-for-this-test-" + "x7Kq" * 12,
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "INDEX_KEY": "only for this test: index",
        "ALLOWED_HOSTS": "sprechstunde.example",
        "PUBLIC_URL": "https://sprechstunde.example",
        "DATABASE_URL": "postgresql://sprechstunde_app@/sprechstunde?host=/nonexistent",
        "DATABASE_OWNER_URL": "postgresql://sprechstunde_owner@/sprechstunde?host=/nonexistent",
        "SMS_BACKEND": "twilio",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "TWILIO_SENDER": "+4915100000000",
    }
