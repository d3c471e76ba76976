-- Every outline that requests are placed by, as it was after mending, so that readers of releases can draw what the placing used.
select layer, set_id, area_code, area_name, is_newest, valid_from, valid_to, area_km2, geojson as geometry
from {{ source('geo', 'area') }}
