"""The Open Data Contract Standard 3.1, closed: a key that the standard does not know is an error.

Belongs here: the shape of the file. Does not belong here: what civicops makes of it (`model`), or the parameters of its own
checks (`checktypes`). The `open-data-contract-standard` package reads the same files with looser models; a test proves that
every contract in the repository passes that package's JSON schema too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Definition(_Closed):
    id: str | None = None
    url: str
    type: str
    description: str | None = None


class CustomProperty(_Closed):
    id: str | None = None
    property: str
    value: Any
    description: str | None = None


class Described(_Closed):
    purpose: str | None = None
    usage: str | None = None
    limitations: str | None = None
    authoritativeDefinitions: tuple[Definition, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()


class Quality(_Closed):
    id: str
    name: str | None = None
    description: str
    type: Literal["custom", "library"] = "library"
    dimension: (
        Literal["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"] | None
    ) = None
    businessImpact: str | None = None
    severity: str | None = None
    method: str | None = None
    schedule: str | None = None
    scheduler: str | None = None
    tags: tuple[str, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()
    engine: Literal["civicops"] | None = None
    implementation: dict[str, Any] | None = None
    metric: Literal["rowCount", "nullValues", "duplicateValues"] | None = None
    arguments: dict[str, Any] | None = None
    unit: Literal["rows", "percent"] | None = None
    mustBe: int | float | None = None
    mustBeGreaterThan: int | float | None = None
    mustBeGreaterOrEqualTo: int | float | None = None
    mustBeLessThan: int | float | None = None
    mustBeLessOrEqualTo: int | float | None = None
    mustBeBetween: tuple[int | float, int | float] | None = None


class Relationship(_Closed):
    type: Literal["foreignKey"] | None = None
    from_: str | tuple[str, ...] | None = Field(default=None, alias="from")
    to: str | tuple[str, ...]
    customProperties: tuple[CustomProperty, ...] = ()


LogicalType = Literal["string", "date", "timestamp", "time", "number", "integer", "boolean", "object", "array"]


class Property(_Closed):
    id: str | None = None
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    physicalName: str | None = None
    physicalType: str | None = None
    businessName: str | None = None
    description: str
    logicalType: LogicalType
    logicalTypeOptions: dict[str, Any] = Field(default_factory=dict)
    required: bool = False
    unique: bool = False
    primaryKey: bool = False
    primaryKeyPosition: int | None = None
    partitioned: bool = False
    partitionKeyPosition: int | None = None
    classification: str | None = None
    encryptedName: str | None = None
    criticalDataElement: bool = False
    transformSourceObjects: tuple[str, ...] = ()
    transformLogic: str | None = None
    transformDescription: str | None = None
    examples: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    quality: tuple[Quality, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()


class SchemaObject(_Closed):
    id: str | None = None
    name: str
    physicalName: str | None = None
    physicalType: str | None = None
    businessName: str | None = None
    description: str | None = None
    logicalType: Literal["object"] = "object"
    dataGranularityDescription: str | None = None
    tags: tuple[str, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    quality: tuple[Quality, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()
    properties: tuple[Property, ...] = Field(min_length=1)


class Member(_Closed):
    id: str | None = None
    username: str
    name: str | None = None
    description: str | None = None
    role: str | None = None
    dateIn: str | None = None
    dateOut: str | None = None
    replacedByUsername: str | None = None
    tags: tuple[str, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()


class Team(_Closed):
    id: str | None = None
    name: str | None = None
    description: str | None = None
    members: tuple[Member, ...] = ()
    tags: tuple[str, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()


class Sla(_Closed):
    id: str | None = None
    property: str
    value: str | float | int | bool
    valueExt: str | float | int | bool | None = None
    unit: str | None = None
    element: str | None = None
    driver: str | None = None
    description: str | None = None
    scheduler: str | None = None
    schedule: str | None = None


class Support(_Closed):
    id: str | None = None
    channel: str
    url: str | None = None
    description: str | None = None
    tool: str | None = None
    scope: str | None = None
    invitationUrl: str | None = None
    customProperties: tuple[CustomProperty, ...] = ()


class OdcsFile(_Closed):
    """One contract file. civicops asks for exactly one schema object: one contract per dataset."""

    apiVersion: Literal["v3.1.0"]
    kind: Literal["DataContract"]
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    status: Literal["proposed", "draft", "active", "deprecated", "retired"]
    tenant: str | None = None
    domain: str | None = None
    dataProduct: str
    description: Described
    tags: tuple[str, ...] = ()
    schema_: tuple[SchemaObject, ...] = Field(alias="schema", min_length=1, max_length=1)
    team: Team
    roles: tuple[dict[str, Any], ...] = ()
    servers: tuple[dict[str, Any], ...] = ()
    support: tuple[Support, ...] = ()
    price: dict[str, Any] | None = None
    slaDefaultElement: str | None = None
    slaProperties: tuple[Sla, ...] = ()
    authoritativeDefinitions: tuple[Definition, ...] = ()
    customProperties: tuple[CustomProperty, ...] = ()
    contractCreatedTs: str | None = None
