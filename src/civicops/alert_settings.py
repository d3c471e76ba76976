"""`[alerts]` of `civicops.toml`: who is told of incidents, how, how often, and who after them.

Belongs here: the closed models of those settings and what must hold between routes. Does not belong here: telling people
(`observe.delivery`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertRoute(_Closed):
    """One way to reach people: where to, what, and how often."""

    urls: tuple[str, ...] = Field(
        min_length=1,
        description="Names of environment variables, each with an Apprise address, such as 'CIVICOPS_ALERT_MAIL'. "
        "The addresses hold passwords, so they stand in no file.",
    )
    severity: Literal["info", "warning", "critical"] = Field(
        default="warning", description="It hears of incidents at least this bad."
    )
    repeat_hours: float = Field(
        default=24, ge=0, description="An incident nobody has acknowledged is told again after this time; 0: never."
    )
    digest_hours: float = Field(
        default=0,
        ge=0,
        description="Above 0: everything in one message at most this often; critical ones still at once.",
    )
    escalate_hours: float = Field(
        default=0,
        ge=0,
        description="An incident that nobody has acknowledged so long after it was told here goes to `escalate_to`; critical "
        "ones after a quarter of it; 0: never.",
    )
    escalate_to: str = Field(
        default="", description="Name of the route that hears of them then, whatever its own `severity`."
    )
    weekly: bool = Field(
        default=True,
        description="Whether it gets the weekly digest of the products whose incidents it hears of: with charts in a mail, as "
        "text elsewhere.",
    )
    may_see_people: bool = Field(
        default=False, description="Whether its readers may see who did something, where a monitor knows."
    )
    allow: tuple[str, ...] = Field(
        default=(), description="Internal hosts that its addresses may name, such as 'mail.internal' or '127.0.0.1'."
    )


class AlertsTable(_Closed):
    """`[alerts]`: who is told of incidents."""

    routes: dict[str, AlertRoute] = Field(
        default_factory=dict,
        description="`[alerts.routes.NAME]`; products name theirs under `alerts`. The route `default` hears of products that "
        "name none.",
    )
    weekly_schedule: str = Field(
        default="0 8 * * 1",
        description="When the weekly digest goes out, in the workspace's time zone: a cron line of five fields; empty: never.",
    )

    @model_validator(mode="after")
    def _escalations_end(self) -> AlertsTable:
        for name, route in self.routes.items():
            if bool(route.escalate_to) != bool(route.escalate_hours):
                raise ValueError(f"route '{name}': escalate_to and escalate_hours belong together")
            seen = [name]
            while following := self.routes[seen[-1]].escalate_to:
                if following not in self.routes:
                    raise ValueError(f"route '{seen[-1]}': there is no route '{following}' to escalate to")
                if following in seen:
                    raise ValueError(f"route '{name}': its escalation comes back to '{following}'")
                seen.append(following)
        return self
