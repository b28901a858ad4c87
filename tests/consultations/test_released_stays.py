"""A released recommendation never changes: the database refuses, for the application and the owner."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import crypto
from consultations.models import ItemCode, RecommendationItem, SheetVersion
from tests.factories import VersionFactory


def test_the_application_can_neither_change_nor_delete_nor_extend_what_was_released(db: None) -> None:
    version = VersionFactory()
    item = version.items.get(number=1)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        RecommendationItem.objects.filter(pk=item.pk).update(urgency="today")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        RecommendationItem.objects.filter(pk=item.pk).update(sentence="etwas anderes")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        item.delete()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        SheetVersion.objects.filter(pk=version.pk).update(number=7)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        SheetVersion.objects.filter(pk=version.pk)._raw_delete("default")
    with pytest.raises(IntegrityError, match="without an item"), transaction.atomic():
        RecommendationItem.objects.create(version=version, number=3, code=ItemCode.GP_CHECK)

    assert [(i.number, i.sentence) for i in version.items.all()] == [(1, "Satz 1"), (2, "Satz 2")]
    assert SheetVersion.objects.get(pk=version.pk).number == 1


def test_the_application_gains_nothing_by_claiming_an_erasure(db: None) -> None:
    version = VersionFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL sprechstunde.erasure = 'on'")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        version.items.get(number=1).delete()
    assert version.items.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_owner_may_reseal_a_sentence_and_erase_on_purpose_and_nothing_else() -> None:
    version = VersionFactory()
    item = version.items.get(number=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sentence FROM consultations_recommendationitem WHERE id = %s", [item.pk])
        sealed = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE consultations_recommendationitem SET sentence = %s WHERE id = %s",
            [crypto.rotate(sealed), item.pk],
        )
    assert RecommendationItem.objects.get(pk=item.pk).sentence == "Satz 1"

    with pytest.raises(IntegrityError, match="never changes"):
        RecommendationItem.objects.filter(pk=item.pk).update(urgency="today")
    with pytest.raises(IntegrityError, match="never changes"):
        item.delete()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL sprechstunde.erasure = 'on'")
        version.items.all().delete()
    assert not RecommendationItem.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_the_triggers_a_released_item_could_be_changed() -> None:
    """The control: it is the trigger that refuses, nothing else."""
    version = VersionFactory()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consultations_recommendationitem DISABLE TRIGGER USER")
        try:
            RecommendationItem.objects.filter(version=version, number=1).update(urgency="today")
        finally:
            cursor.execute("ALTER TABLE consultations_recommendationitem ENABLE TRIGGER USER")
    assert version.items.get(number=1).urgency == "today"
