"""From a contract file to a `Contract`, with every fault of the file named at once.

Belongs here: reading, cross-references inside one contract, the checks that a declaration implies. Does not belong here:
whether lookups and other datasets exist (`civicops.workspace` knows those).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import sqlglot
from pydantic import ValidationError

from civicops.contracts import checktypes, odcs
from civicops.contracts.blanks import blanks
from civicops.contracts.classes import meant_class
from civicops.contracts.custom import CustomReader
from civicops.contracts.explain import explain_validation
from civicops.contracts.implied import implied
from civicops.contracts.model import Check, Column, Contract, Person, Was
from civicops.contracts.monitoring import Monitors
from civicops.contracts.periods import retention_terms
from civicops.contracts.privacy import ExpectedPersonal, PrivacyRule
from civicops.contracts.problems import ContractFileError, Problem, nearest
from civicops.contracts.yaml_lines import Document, YamlPath, read_yaml


def load_contracts(paths: Iterable[Path]) -> tuple[Contract, ...]:
    """Read several contract files; the error, if any, carries the faults of all of them."""
    contracts: list[Contract] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            contracts.append(load_contract(path))
        except ContractFileError as error:
            problems.extend(error.problems)
    if problems:
        raise ContractFileError(problems)
    return tuple(contracts)


def load_contract(path: Path) -> Contract:
    """Read one contract file.

    Raises `ContractFileError` with every wrong key, type, duplicate and unknown check of the file, each with its line and
    the nearest valid word.
    """
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise ContractFileError([Problem(path, 1, "a contract is a mapping of keys to values; this is not")])
    reader = _Reader(document)
    reader.problems.extend(blanks(document))
    try:
        file = odcs.OdcsFile.model_validate(document.data)
    except ValidationError as error:
        reader.problems.extend(explain_validation(document, error, odcs.OdcsFile))
        reader.check_quality_of_raw(document.data)
        raise ContractFileError(reader.problems) from error
    contract = reader.contract(file)
    if reader.problems or contract is None:
        raise ContractFileError(reader.problems)
    return contract


class _Reader:
    """Collects problems while one file is read; used once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.ids: dict[str, YamlPath] = {}

    def problem(self, location: YamlPath, message: str) -> None:
        self.problems.append(Problem(self.document.path, self.document.line(location), message))

    def contract(self, file: odcs.OdcsFile) -> Contract | None:
        table, at = file.schema_[0], ("schema", 0)
        product, _, dataset = file.id.partition(".")
        if table.name != dataset:
            self.problem((*at, "name"), f"must be '{dataset}', the part of the id after the dot")
        if file.dataProduct != product:
            self.problem(("dataProduct",), f"must be '{product}', the part of the id before the dot")
        if self.document.path.stem != dataset:
            self.problem(("id",), f"this file must be called '{dataset}.yaml'; one dataset, one contract, one name")
        whole = CustomReader(self, file.customProperties, ("customProperties",))
        layer, access = (
            whole.choice("layer", ("accepted", "published")),
            whole.choice("access", ("public", "restricted", "internal")),
        )
        licence, privacy = whole.text("licence"), whole.models("privacy", PrivacyRule)
        monitors = whole.model("monitors", Monitors)
        whole.finish()
        inner = CustomReader(self, table.customProperties, (*at, "customProperties"))
        ignored, latest_by, sort_by = (
            inner.mapping("ignoredFields"),
            inner.words("latestBy"),
            inner.words("sortBy"),
        )
        inner.finish()
        columns = tuple(
            self.column(item, (*at, "properties", index), layer) for index, item in enumerate(table.properties)
        )
        names = [column.name for column in columns]
        for index, name in enumerate(names):
            if name in names[:index]:
                self.problem((*at, "properties", index, "name"), f"column '{name}' is given twice")
        self.old_names_free(columns, at)
        self.source_names_once(columns, at)
        key = tuple(
            item.name
            for item in sorted(
                (item for item in table.properties if item.primaryKey),
                key=lambda item: item.primaryKeyPosition or 1,
            )
        )
        for where, words in (("latestBy", latest_by), ("sortBy", sort_by)):
            self.known_columns(words, names, (*at, "customProperties"), where)
        checks = self.checks(table, columns, key, layer, at)
        if monitors is not None:
            self.known_columns(monitors.columns, names, ("customProperties", whole.index("monitors")), "monitors")
        for index, rule in enumerate(privacy):
            location = ("customProperties", whole.index("privacy"), "value", index)
            self.known_columns([item.column for item in rule.treatments], names, location, "treatments")
            self.sql_condition(rule.when, location)
        if self.problems:
            return None
        row_types = get_args(get_args(checktypes.RowCheck)[0])
        days = [column.name for column in columns if column.logical_type in ("date", "timestamp")]
        kept, kept_by = retention_terms(file.slaProperties, days, self.problem)
        return Contract(
            id=file.id,
            product=product,
            dataset=dataset,
            title=file.name,
            version=file.version,
            status=file.status,
            layer=layer,  # type: ignore[arg-type]
            access=access,  # type: ignore[arg-type]
            purpose=file.description.purpose or "",
            usage=file.description.usage or "",
            limitations=file.description.limitations or "",
            licence=licence,
            people=tuple(Person(username=item.username, role=item.role or "member") for item in file.team.members),
            columns=columns,
            key=key,
            latest_by=tuple(latest_by),
            sort_by=tuple(sort_by) or key,
            row_checks=tuple(check for check in checks if isinstance(check.spec, row_types)),
            dataset_checks=tuple(check for check in checks if not isinstance(check.spec, row_types)),
            ignored_fields=tuple((name.lower(), reason) for name, reason in ignored.items()),
            privacy=privacy,
            monitors=monitors,
            freshness_hours=_hours(file.slaProperties, "freshness"),
            retention=kept,
            retention_by=kept_by,
            path=self.document.path,
        )

    def column(self, item: odcs.Property, at: YamlPath, layer: str) -> Column:
        custom = CustomReader(self, item.customProperties, (*at, "customProperties"))
        others = custom.words("sourceNames")
        formats = custom.words("formats")
        null_values = custom.words("nullValues")
        true_values, false_values = custom.words("trueValues"), custom.words("falseValues")
        unit = custom.text("unit", optional=True)
        was, reworded = custom.model("was", Was), custom.text("reworded", optional=True)
        expected = custom.model("personalDataExpected", ExpectedPersonal)
        custom.finish()
        options = dict(item.logicalTypeOptions)
        zone = options.pop("defaultTimezone", None)
        single = options.pop("format", None)
        if single is not None and not isinstance(single, str):
            self.problem((*at, "logicalTypeOptions", "format"), "one format is a text; several go into `formats`")
            single = None
        if item.classification and (meant := meant_class(item.classification)):
            # Any other word is allowed by the standard, but one that is meant for a class switches off the search for such data.
            self.problem((*at, "classification"), f"'{item.classification}' is no class; did you mean '{meant}'?")
        for option in options:
            message = f"unknown option '{option}'; {nearest(str(option), ['defaultTimezone', 'format'])}"
            self.problem((*at, "logicalTypeOptions", option), f"{message} (bounds are quality rules here)")
        if zone is not None:
            self.timezone(str(zone), (*at, "logicalTypeOptions", "defaultTimezone"))
        formats = [*([single] if single else []), *formats]
        if layer == "accepted" and item.logicalType in ("date", "timestamp", "time") and not formats:
            self.problem(at, f"'{item.name}' is a {item.logicalType} read from text: give its formats")
        first = (item.physicalName or item.name).lower()
        extra: dict[str, Any] = {}
        if true_values or false_values:
            extra = {
                "true_values": tuple(v.lower() for v in true_values),
                "false_values": tuple(v.lower() for v in false_values),
            }
        return Column(
            name=item.name,
            title=item.businessName or item.name.replace("_", " "),
            description=item.description,
            logical_type=item.logicalType,
            physical_type=item.physicalType,
            unit=unit or None,
            required=item.required or item.primaryKey,
            critical=item.criticalDataElement,
            source_names=(first, *(name.lower() for name in others)) if layer == "accepted" else (),
            formats=tuple(formats),
            timezone=zone,
            null_values=tuple(null_values),
            pii_class=item.classification or "none",
            expected_personal=expected,
            examples=tuple(str(example) for example in item.examples),
            was=was,
            reworded=reworded or None,
            **extra,
        )

    def old_names_free(self, columns: tuple[Column, ...], at: YamlPath) -> None:
        taken = {column.name for column in columns}
        for index, column in enumerate(columns):
            if column.was is None:
                continue
            if column.was.name in taken:
                message = f"'{column.name}' was '{column.was.name}', but another column has or had that name too"
                self.problem((*at, "properties", index, "customProperties"), message)
            taken.add(column.was.name)

    def source_names_once(self, columns: tuple[Column, ...], at: YamlPath) -> None:
        owner: dict[str, str] = {}
        for index, column in enumerate(columns):
            for name in column.source_names:
                if name in owner:
                    message = f"source field '{name}' is read by both '{owner[name]}' and '{column.name}'"
                    self.problem((*at, "properties", index), message)
                owner[name] = column.name

    def checks(
        self,
        table: odcs.SchemaObject,
        columns: tuple[Column, ...],
        key: tuple[str, ...],
        layer: str,
        at: YamlPath,
    ) -> list[Check]:
        found: list[Check] = []
        names = [column.name for column in columns]
        for index, (item, column) in enumerate(zip(table.properties, columns, strict=True)):
            location = (*at, "properties", index)
            explicit = [
                check
                for number, rule in enumerate(item.quality)
                if (check := self.check(rule, (*location, "quality", number), names, layer, column)) is not None
            ]
            kinds = {check.kind for check in explicit}
            found.extend(implied(column, kinds, layer, item.unique))
            found.extend(explicit)
        for number, rule in enumerate(table.quality):
            check = self.check(rule, (*at, "quality", number), names, layer, None)
            if check is not None:
                found.append(check)
        if (
            key
            and layer == "published"
            and not any(
                isinstance(check.spec, checktypes.UniqueKey) and set(check.spec.columns) == set(key) for check in found
            )
        ):
            spec = checktypes.UniqueKey(check="unique", columns=key)
            text = f"No two rows have the same {' and '.join(key)}."
            found.append(Check(id="key_unique", description=text, spec=spec, implied=True, dimension="uniqueness"))
        seen: set[str] = set()
        for check in found:
            if check.id in seen:
                self.problem(self.ids.get(check.id, at), f"check id '{check.id}' is used twice")
            seen.add(check.id)
        return found

    def check(
        self, rule: odcs.Quality, at: YamlPath, names: list[str], layer: str, column: Column | None
    ) -> Check | None:
        self.ids.setdefault(rule.id, (*at, "id"))
        spec = self.library(rule, at, column) if rule.type == "library" else self.custom(rule, at)
        if spec is None:
            return None
        location = (*at, "implementation")
        in_row = spec.check in checktypes.ROW_CHECKS
        needs_column = {"required", "parses", "allowed", "range", "length", "pattern", "local_time"}
        if column is None and spec.check in needs_column:
            self.problem(location, f"a '{spec.check}' check stands under the column it checks")
        if column is not None and not in_row and not isinstance(spec, checktypes.NullShare | checktypes.UniqueKey):
            self.problem(location, f"a '{spec.check}' check is about the whole dataset; move it there")
        if isinstance(spec, checktypes.LocalTime) and column is not None and column.timezone is None:
            self.problem(location, f"'{column.name}' has no defaultTimezone, so its times cannot be ambiguous")
        action = getattr(spec, "action", None)
        if layer == "published" and action in ("blank", "quarantine"):
            message = f"action '{action}' changes rows; a published dataset is only gated: use 'flag' or 'stop'"
            self.problem((*location, "action"), message)
        for attribute in ("left", "right", "longitude", "latitude", "column", "columns", "blanks"):
            value = getattr(spec, attribute, None)
            if value is not None:
                words = [value] if isinstance(value, str) else list(value)
                self.known_columns(words, names, (*location, attribute), attribute)
        if isinstance(spec, checktypes.Expression):
            self.sql_condition(spec.expression, (*location, "expression"), names)
        return Check(
            id=rule.id,
            description=rule.description,
            column=column.name if column else None,
            dimension=rule.dimension,
            spec=spec,
        )

    def custom(self, rule: odcs.Quality, at: YamlPath) -> Any:
        location = (*at, "implementation")
        if rule.engine != "civicops" or rule.implementation is None:
            self.problem(at, "a custom rule needs 'engine: civicops' and an 'implementation'")
            return None
        kinds = checktypes.ROW_CHECKS | checktypes.DATASET_CHECKS
        kind = rule.implementation.get("check")
        if kind not in kinds:
            self.problem((*location, "check"), f"unknown check '{kind}'; {nearest(str(kind), kinds)}")
            return None
        try:
            return kinds[kind].model_validate(rule.implementation)
        except ValidationError as error:
            self.problems.extend(explain_validation(self.document, error, kinds[kind], location))
            return None

    def library(self, rule: odcs.Quality, at: YamlPath, column: Column | None) -> Any:
        """ODCS's own metrics, as far as they say what our dataset checks say."""
        low, high = rule.mustBeGreaterOrEqualTo, rule.mustBeLessOrEqualTo
        if rule.mustBeBetween is not None:
            low, high = rule.mustBeBetween
        if rule.mustBeGreaterThan is not None:
            low = rule.mustBeGreaterThan + 1
        if rule.mustBeLessThan is not None:
            high = rule.mustBeLessThan - 1
        if rule.mustBe is not None:
            low = high = rule.mustBe
        if rule.metric == "rowCount":
            return checktypes.RowCount(
                check="row_count",
                minimum=None if low is None else int(low),
                maximum=None if high is None else int(high),
            )
        if rule.metric == "nullValues" and column is not None and rule.unit == "percent" and high is not None:
            return checktypes.NullShare(check="null_share", column=column.name, maximum=float(high) / 100)
        if rule.metric == "duplicateValues" and column is not None and high == 0:
            return checktypes.UniqueKey(check="unique", columns=(column.name,))
        self.problem(at, "this rule says nothing civicops can check: see docs/reference/checks.md for the kinds")
        return None

    def check_quality_of_raw(self, data: dict[str, Any]) -> None:
        """Even when the file's shape is wrong, name the faults inside its quality rules too."""
        schema = data.get("schema")
        table = schema[0] if isinstance(schema, list) and schema and isinstance(schema[0], dict) else {}
        places: list[tuple[YamlPath, Any]] = [(("schema", 0, "quality"), table.get("quality"))]
        properties = table.get("properties")
        for index, item in enumerate(properties if isinstance(properties, list) else []):
            if isinstance(item, dict):
                places.append((("schema", 0, "properties", index, "quality"), item.get("quality")))
        for location, rules in places:
            for number, rule in enumerate(rules if isinstance(rules, list) else []):
                implementation = rule.get("implementation") if isinstance(rule, dict) else None
                if isinstance(implementation, dict):
                    parts = {"id": "x", "description": "x", "type": "custom", "engine": "civicops"}
                    self.custom(
                        odcs.Quality.model_validate(parts | {"implementation": implementation}), (*location, number)
                    )

    def known_columns(self, words: Iterable[str], names: list[str], at: YamlPath, where: str) -> None:
        for word in words:
            if word not in names:
                self.problem(at, f"{where}: there is no column '{word}'; {nearest(word, names)}")

    def sql_condition(self, text: str, at: YamlPath, names: list[str] | None = None) -> None:
        try:
            tree = sqlglot.parse_one(text, read="duckdb")
        except sqlglot.errors.SqlglotError as error:
            self.problem(at, f"is not a SQL condition: {str(error).splitlines()[0]}")
            return
        if names is not None:
            self.known_columns((c.name for c in tree.find_all(sqlglot.exp.Column)), names, at, "expression")

    def timezone(self, zone: str, at: YamlPath) -> None:
        from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - half a millisecond only where a zone is named

        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            self.problem(at, f"unknown time zone '{zone}'; {nearest(zone, available_timezones())}")


def _hours(slas: Iterable[odcs.Sla], name: str) -> float | None:
    factors = {"h": 1.0, "hours": 1.0, "d": 24.0, "days": 24.0}
    for sla in slas:
        if sla.property == name and sla.unit in factors:
            return float(sla.value) * factors[sla.unit]
    return None
