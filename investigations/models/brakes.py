"""The brakes on automatic dismissals, and the samples that measure how good those dismissals are."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.timezone import now

from investigations.choices import Opinion

PERCENT = (MinValueValidator(0), MaxValueValidator(100))


def new_seed() -> str:
    return secrets.token_hex(16)


class Automation(models.Model):
    """The one row that says whether, how fast and under which watch the automation may dismiss."""

    # The kill switch: while `stopped` is set, no rule dismisses anything
    stopped = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=150, blank=True)
    stop_reason = models.CharField(max_length=500, blank=True)
    tripped = models.BooleanField(default=False)  # the automation stopped itself
    # Dismissals of one rule, where its own row says nothing else; 0: no cap
    per_hour = models.PositiveIntegerField(default=1000)
    per_day = models.PositiveIntegerField(default=10_000)
    # A rule trips at `trip_factor` times its usual hourly rate, but not below `trip_floor` dismissals in an hour
    trip_factor = models.FloatField(default=3.0, validators=[MinValueValidator(1.1)])
    trip_floor = models.PositiveIntegerField(default=100)
    # Everything stops when fewer than this share of the providers with an opinion answer
    min_answering = models.PositiveSmallIntegerField(default=50, validators=PERCENT)
    # Sampling
    sample_percent = models.FloatField(default=2.0, validators=PERCENT)
    new_rule_percent = models.FloatField(default=10.0, validators=PERCENT)
    new_rule_days = models.PositiveSmallIntegerField(default=7)
    sample_per_day = models.PositiveSmallIntegerField(default=50)
    sample_seed = models.CharField(max_length=32, default=new_seed, editable=False)
    # Graduation: so many reviewed proposals, and so sure of the agreement (lower end of the 95 % interval)
    graduate_reviews = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1)])
    graduate_percent = models.PositiveSmallIntegerField(default=90, validators=PERCENT)
    four_eyes = models.BooleanField(default=False)  # a second person has to approve a policy

    class Meta:
        constraints = [models.CheckConstraint(name="one_automation", condition=models.Q(pk=1))]
        verbose_name_plural = "automation"

    def __str__(self) -> str:
        return "automation stopped" if self.stopped else "automation"


class RuleBrake(models.Model):
    """What is known about one dismissing rule, by its name, whatever the version of the policy."""

    rule = models.CharField(max_length=100, unique=True)
    first_dismissal = models.DateTimeField(null=True)  # new rules are sampled more
    per_hour = models.PositiveIntegerField(null=True)  # null: as Automation says; 0: no cap
    per_day = models.PositiveIntegerField(null=True)
    usual_per_hour = models.FloatField(null=True)  # the mean of the past week; null: not measured yet
    measured = models.DateTimeField(null=True)
    tripped = models.DateTimeField(null=True)  # while set, the rule only proposes
    tripped_by = models.CharField(max_length=150, blank=True)
    trip_reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.rule


class SampleReview(models.Model):
    """One automatic dismissal that was drawn for a review by a person who does not see what the machine decided."""

    decision = models.OneToOneField("Decision", models.CASCADE, related_name="sample")
    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="samples")
    rule = models.CharField(max_length=100)
    stratum = models.CharField(max_length=120)  # what it was drawn among: the rule, and whether it was new
    share = models.FloatField()  # the chance it had to be drawn, above 0 and at most 1
    drawn = models.DateTimeField(default=now)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    opinion = models.CharField(max_length=8, choices=Opinion, blank=True)
    comment = models.TextField(blank=True)
    reviewed = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["drawn", "id"], name="samples_to_review", condition=models.Q(reviewed=None)),
            models.Index(fields=["rule", "-drawn"], name="samples_of_rule"),
        ]

    def __str__(self) -> str:
        return f"sample of {self.rule}"
