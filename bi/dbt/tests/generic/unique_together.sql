{% test unique_together(model, columns) %}
-- No two rows have the same values in these columns; null counts as a value.
select {{ columns | join(", ") }}, count(*) as rows_alike
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endtest %}
