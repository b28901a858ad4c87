"""A role for those who run courses and groups."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="user",
            name="user_roles_are_known",
        ),
        migrations.AlterField(
            model_name="user",
            name="roles",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("caseworker", "Fallmanagement"),
                        ("team_lead", "Teamleitung"),
                        ("specialist", "Fachärztin / Facharzt"),
                        ("coordinator", "Koordination"),
                        ("interpreter_coordinator", "Koordination Sprachmittlung"),
                        ("course_staff", "Kurse und Gruppen"),
                        ("data_protection_officer", "Datenschutz"),
                        ("administrator", "Verwaltung des Systems"),
                    ],
                    max_length=40,
                ),
                default=list,
                size=None,
                verbose_name="Rollen",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "roles__contained_by",
                        [
                            "caseworker",
                            "team_lead",
                            "specialist",
                            "coordinator",
                            "interpreter_coordinator",
                            "course_staff",
                            "data_protection_officer",
                            "administrator",
                        ],
                    )
                ),
                name="user_roles_are_known",
            ),
        ),
    ]
