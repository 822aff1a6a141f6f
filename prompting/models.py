"""What the writer works with: instructions that staff edit, what each server can do, what was answered, what it costs, what is refused."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from keeping.versions import Version


class Instruction(models.Model):
    """A master instruction. The text file of its name holds until staff publish a version of their own."""

    slug = models.SlugField("name", max_length=40, unique=True, help_text="The text file's name, without its ending.")
    title = models.CharField(max_length=80)
    current = models.ForeignKey(
        "InstructionVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="in force",
        help_text="The version that the writer is told. None: the text file that comes with AdsGem.",
    )

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class InstructionVersion(Version):
    """One wording of an instruction: `data` is {"text": …}."""

    instruction = models.ForeignKey(Instruction, on_delete=models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        verbose_name = "instruction version"
        constraints = [models.UniqueConstraint(fields=["instruction", "number"], name="one_instruction_version_per_number")]

    def __str__(self) -> str:
        return f"{self.instruction} v{self.number}"

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.data["text"])


class LanguageServer(models.Model):
    """What a server and its model turned out to understand, and whether they are left in peace. Times are epoch milliseconds of the
    database's clock. Deleting a row makes the writer find out again."""

    class Structured(models.TextChoices):
        STRICT = "strict", "JSON by schema"
        JSON_OBJECT = "json_object", "JSON, the schema told in words"
        PLAIN = "plain", "Plain text, the schema told in words"

    class TokenLimit(models.TextChoices):
        NEW = "max_completion_tokens", "max_completion_tokens"
        OLD = "max_tokens", "max_tokens"

    address = models.CharField(max_length=300, help_text="The base of its API, without its ending slash.")
    model = models.CharField(max_length=120, help_text="Empty: its list of models. moderation: its moderation.")
    structured = models.CharField(max_length=12, choices=Structured.choices, default=Structured.STRICT)
    token_limit = models.CharField(max_length=24, choices=TokenLimit.choices, default=TokenLimit.NEW)
    vision = models.BooleanField("sees pictures", default=True)
    moderation = models.BooleanField("moderates", default=True)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row, within a minute.")
    first_failure = models.BigIntegerField(default=0, editable=False)
    rest_until = models.BigIntegerField(default=0, editable=False, help_text="Left in peace until then.")
    reason = models.CharField(max_length=400, blank=True, editable=False, help_text="Why it is left in peace.")
    learned_at = models.DateTimeField("last learned", auto_now=True)

    class Meta:
        verbose_name = "language server"
        ordering = ["address", "model"]
        constraints = [models.UniqueConstraint(fields=["address", "model"], name="one_row_per_language_server_and_model")]

    def __str__(self) -> str:
        return f"{self.model or 'the list of models'} at {self.address}"


class SavedAnswer(models.Model):
    """What a model answered once: the same question under the same instruction is not asked, or paid, again."""

    key = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the whole question.")
    job = models.CharField(max_length=20)
    model = models.CharField(max_length=120)
    instruction = models.ForeignKey(InstructionVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    answer = models.JSONField()
    raw = models.TextField(blank=True)
    calls = models.PositiveSmallIntegerField(default=1)
    tokens = models.PositiveIntegerField(default=0)
    micro_usd = models.BigIntegerField("micro-USD", default=0)
    seconds = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "saved answer"
        ordering = ["-created_at", "-id"]
        # Old answers are deleted whenever a new one is saved.
        indexes = [models.Index(fields=["created_at"], name="oldest_saved_answers")]

    def __str__(self) -> str:
        return f"{self.job} by {self.model}"


class TokenPrice(models.Model):
    """What a million tokens of a model cost, of those that write and those that paint, in micro-USD (1,000,000 are one dollar)."""

    model = models.CharField(max_length=120, unique=True, help_text="A model's name or how it begins; the longest that fits holds.")
    prompt = models.BigIntegerField("a million tokens in", validators=[MinValueValidator(0)])
    cached = models.BigIntegerField(
        "of them from the server's cache", null=True, blank=True, validators=[MinValueValidator(0)], help_text="Empty: as all others."
    )
    pictures = models.BigIntegerField(
        "of them for pictures that are sent",
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Where pictures have another price than words. Empty: as all others.",
    )
    completion = models.BigIntegerField("a million tokens out", validators=[MinValueValidator(0)])
    source = models.CharField(max_length=300, blank=True, help_text="Where this was read.")
    as_of = models.DateField("read on", null=True, blank=True, help_text="Prices change every few months: look again when this is old.")

    class Meta:
        verbose_name = "token price"
        ordering = ["model"]

    def __str__(self) -> str:
        return self.model


class Rule(models.Model):
    """Words that decide something about a brief or about what a model wrote."""

    class Effect(models.TextChoices):
        REFUSE = "refuse", "Refuse the order"
        PEOPLE = "people", "A person will be seen: remind of the marking rules"
        CLAIM = "claim", "A claim: the writer may only make it when the brief does"

    words = models.CharField(
        max_length=120, unique=True, help_text="A word or phrase in small letters; a star at its end stands for any ending."
    )
    effect = models.CharField(max_length=10, choices=Effect.choices, default=Effect.REFUSE)
    reason = models.CharField(max_length=200, blank=True, help_text="A sentence for the marketer that says what to change.")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["effect", "words"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(effect="refuse") | ~models.Q(reason=""),
                name="a_refusal_says_why",
                violation_error_message="Say in a sentence why this is refused and what to change.",
            )
        ]

    def __str__(self) -> str:
        return self.words
