"""What a kind of task can say, in `products/<product>/reviews/<kind>.yaml`.

Belongs here: the closed models of that file; the reference is made from their descriptions. Does not belong here: reading the
file and its contract (`kinds`), or following the rules (`rules`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from civicops.review.people import Role

Outcome = Literal["accept", "edit", "reject", "abstain", "split", "merge"]
"""What a person may answer: the suggestion is right; right after these changes; wrong; I cannot tell; this is several things;
these are one thing."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Who(_Closed):
    """Who may do what: the least role for each."""

    decide: Role = Field(default="contributor", description="Who may answer.")
    approve: Role = Field(default="steward", description="Who may approve what somebody else has submitted.")
    adjudicate: Role = Field(default="steward", description="Who decides where raters disagree, or nobody could tell.")
    assign: Role = Field(
        default="steward", description="Who may give tasks to others; anybody may take one themselves."
    )


class Priority(_Closed):
    """What makes one task more useful than another. Points are added up; the highest number comes first.

    What is overdue, or due within `due_soon_days`, comes before all others, the earliest first.
    """

    uncertainty: float = Field(
        default=1.0, ge=0, description="Points for a suggestion that is as good as a coin toss; a sure one gets none."
    )
    value: float = Field(
        default=1.0, ge=0, description="Points for each unit of `value` that the product gives a task."
    )
    age_per_day: float = Field(default=0.02, ge=0, description="Points for each day that a task has waited.")
    due_soon_days: float = Field(default=2, ge=0, description="So many days before its due date a task goes first.")


class Escalation(_Closed):
    """When a task goes to somebody with more to say."""

    to: Role = Field(default="steward", description="Whose work it is then.")
    overdue_days: float | None = Field(
        default=None, ge=0, description="So many days after its due date; never when left out."
    )
    abstentions: int = Field(default=3, ge=1, description="So many people could not tell.")


class Automatic(_Closed):
    """What may be accepted without a person: suggestions as sure as past decisions proved to be good enough.

    Nothing is accepted by itself before that has been proved, nor after audits have shown that it no longer holds.
    """

    precision: float = Field(default=0.98, gt=0.5, lt=1, description="So many of those accepted have to be right.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="How sure we have to be of that.")
    audit_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Share of sure suggestions that a person answers all the same, unknowingly.",
    )
    minimum: int = Field(default=200, ge=20, description="So many decided tasks before anything is measured.")


class KindFile(_Closed):
    """One kind of question that is put to people."""

    title: str = Field(description="The question in a few words, such as 'Is this telephone number right?'.")
    instructions: str = Field(
        description="What to look at and how to decide, for somebody who does it for the first time."
    )
    contract: str = Field(description="The dataset of this product whose columns a decision fills.")
    columns: tuple[str, ...] = Field(
        min_length=1, description="Which of its columns; the form is made from what the contract says of them."
    )
    decisions: tuple[Outcome, ...] = Field(
        default=("accept", "edit", "reject", "abstain"), min_length=1,
        description="Which answers are allowed: accept, edit, reject, abstain, split, merge.",
    )  # fmt: skip
    reason_for: tuple[Outcome, ...] = Field(default=("reject",), description="Which answers need a reason in words.")
    optional: tuple[str, ...] = Field(
        default=(), description="Columns that may stay empty in a decision although the contract requires them."
    )
    who: Who = Field(default=Who(), description="Least roles; below.")
    raters: int = Field(default=1, ge=1, le=9, description="How many people answer, none knowing of the others.")
    agreement: Literal["all", "majority"] = Field(
        default="all", description="Whether all raters have to agree or more than half of them."
    )
    second_rating_share: float = Field(
        default=0.0, ge=0, le=1,
        description="Share of tasks, drawn at random, that one more person answers blindly, so that agreement can be measured.",
    )  # fmt: skip
    stages: Literal["single", "submit_approve"] = Field(
        default="single",
        description="`single`: a decision counts at once. `submit_approve`: it counts once somebody else has approved it.",
    )
    assignment: Literal["open", "assigned"] = Field(
        default="open", description="`open`: whoever is free takes the next one. `assigned`: tasks are given to people."
    )
    claim_minutes: float = Field(default=30, gt=0, description="How long a task is kept for the person who took it.")
    due_days: float | None = Field(
        default=None, gt=0, description="Days after filing until it is due, unless the product says when."
    )
    priority: Priority = Field(default=Priority(), description="The order of work; below.")
    escalation: Escalation = Field(default=Escalation(), description="When it goes higher up; below.")
    contact_channels: tuple[str, ...] = Field(
        default=(),
        description="Ways to ask the people concerned, such as called, e-mailed, visited; none: no contact log.",
    )
    contact_outcomes: tuple[str, ...] = Field(
        default=(), description="What came of it, such as spoke, voicemail, no answer, wrong number."
    )
    automatic: Automatic | None = Field(
        default=None, description="What may be accepted without a person; below. Nothing when left out."
    )
    public: Literal["no", "suggest"] = Field(
        default="no", description="`suggest`: anybody may send in a suggestion, which becomes a task of this kind."
    )
    confirm_column: str = Field(
        default="",
        description="The column with an organisation's mail address; with it, a link by which they confirm their own record can "
        "be made and sent.",
    )
    public_columns: tuple[str, ...] = Field(
        default=(), description="Which of the columns the public is asked about; all when left out."
    )
    public_record: str = Field(
        default="",
        description="The published, public dataset whose row of that key a correction is about; its form shows the row.",
    )

    @model_validator(mode="after")
    def _fits(self) -> KindFile:
        unasked = set(self.reason_for) - set(self.decisions) if "reason_for" in self.model_fields_set else set()
        if unasked:
            raise ValueError(f"'reason_for' names what is not among 'decisions': {', '.join(sorted(unasked))}")
        if unknown := set(self.optional) - set(self.columns):
            raise ValueError(f"'optional' names what is not among 'columns': {', '.join(sorted(unknown))}")
        if self.confirm_column and self.confirm_column not in self.columns:
            raise ValueError(f"'confirm_column' names what is not among 'columns': {self.confirm_column}")
        if stray := set(self.public_columns) - set(self.columns):
            raise ValueError(f"'public_columns' names what is not among 'columns': {', '.join(sorted(stray))}")
        if bool(self.contact_channels) != bool(self.contact_outcomes):
            raise ValueError("'contact_channels' and 'contact_outcomes' go together")
        if self.automatic and "accept" not in self.decisions:
            raise ValueError("'automatic' accepts suggestions, so 'accept' must be among 'decisions'")
        return self
