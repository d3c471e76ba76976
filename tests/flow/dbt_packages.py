"""Stand-ins for the dbt packages `dbt_utils` and `dbt_expectations`, whose hub cannot be reached from a test.

Belongs here: tests of the same names with the same arguments, written anew from the packages' documentation, as far as exported
contracts use them. Does not belong here: what is tested with them (`test_exchange`).
"""

from __future__ import annotations

from pathlib import Path

_RANGE = """\
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
select * from {{ model }} where false
{% if min_value is not none %} or not ({{ column_name }} >{{ '=' if inclusive }} {{ min_value }}) {% endif %}
{% if max_value is not none %} or not ({{ column_name }} <{{ '=' if inclusive }} {{ max_value }}) {% endif %}
{% endtest %}
"""
_TRUE = """\
{% test expression_is_true(model, expression, column_name=none) %}
select * from {{ model }} where not ({{ column_name or '' }} {{ expression }})
{% endtest %}
"""
_COMBINATION = """\
{% test unique_combination_of_columns(model, combination_of_columns) %}
select {{ combination_of_columns | join(', ') }}, count(*) as n from {{ model }}
group by {{ combination_of_columns | join(', ') }} having count(*) > 1
{% endtest %}
"""
_PROPORTION = """\
{% test not_null_proportion(model, column_name, at_least, at_most=1.0) %}
select * from (select count({{ column_name }}) / count(*) as share from {{ model }})
where share < {{ at_least }} or share > {{ at_most }}
{% endtest %}
"""
_RECENCY = """\
{% test recency(model, field, datepart, interval) %}
select * from (select max({{ field }}) as newest from {{ model }})
where newest < {{ dbt.dateadd(datepart, interval * -1, dbt.current_timestamp()) }}
{% endtest %}
"""
_LENGTHS = """\
{% test expect_column_value_lengths_to_be_between(model, column_name, min_value=none, max_value=none) %}
select * from {{ model }} where false
{% if min_value is not none %} or not (length({{ column_name }}) >= {{ min_value }}) {% endif %}
{% if max_value is not none %} or not (length({{ column_name }}) <= {{ max_value }}) {% endif %}
{% endtest %}
"""
_REGEX = """\
{% test expect_column_values_to_match_regex(model, column_name, regex) %}
select * from {{ model }} where not regexp_matches({{ column_name }}, '{{ regex }}')
{% endtest %}
"""
_COUNT = """\
{% test expect_table_row_count_to_be_between(model, min_value=none, max_value=none) %}
select * from (select count(*) as n from {{ model }}) where false
{% if min_value is not none %} or n < {{ min_value }} {% endif %}
{% if max_value is not none %} or n > {{ max_value }} {% endif %}
{% endtest %}
"""
PACKAGES = {
    "dbt_utils": (_RANGE, _TRUE, _COMBINATION, _PROPORTION, _RECENCY),
    "dbt_expectations": (_LENGTHS, _REGEX, _COUNT),
}


def lay(folder: Path) -> None:
    """Put the packages where dbt finds installed ones."""
    for name, macros in PACKAGES.items():
        inside = folder / name / "macros"
        inside.mkdir(parents=True)
        (folder / name / "dbt_project.yml").write_text(
            f"name: {name}\nversion: 1.0.0\nconfig-version: 2\n", encoding="utf-8"
        )
        (inside / "tests.sql").write_text("\n".join(macros), encoding="utf-8")
