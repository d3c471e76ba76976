"""Every address of the portal.

Belongs here: addresses and their names. Does not belong here: who may ask for them (`access.RULES`; a route without a line there
is refused).
"""

from __future__ import annotations

from django.urls import include, path

from civicops.portal.api import api
from civicops.portal.views import (
    audit,
    datasets,
    failures,
    home,
    imports,
    incidents,
    people,
    plans,
    product_pages,
    review,
    review_team,
    runs,
    scorecard,
    suggestions,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("health", home.health, name="health"),
    path("data.json", home.data_json, name="data_json"),
    path("products/<slug:product>/", home.product, name="product"),
    path("products/<slug:product>/runs/", runs.listed, name="runs"),
    path("products/<slug:product>/runs/<slug:chart>.json", runs.chart, name="runs_chart"),
    path("products/<slug:product>/runs/<str:run_id>/", runs.one, name="run"),
    path("products/<slug:product>/runs/<str:run_id>/held/<slug:dataset>/", runs.held, name="run_held"),
    path("static/<path:path>", home.static, name="static"),
    path("catalogue/", datasets.browse, name="catalogue"),
    path("lineage/", datasets.lineage, name="lineage"),
    path("catalogue/<slug:product>/<slug:dataset>/", datasets.dataset, name="dataset"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/", datasets.version, name="version"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/changes/", datasets.changes, name="changes"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/<str:name>", datasets.download, name="download"),
    path("p/<slug:product>/<slug:name>/", product_pages.page, name="page"),
    path("p/<slug:product>/<slug:name>/marks/", product_pages.mark, name="page_mark"),
    path("p/<slug:product>/<slug:name>/files/<path:path>", product_pages.page_file, name="page_files"),
    path("pages/<slug:product>/<slug:name>/files/<path:path>", product_pages.page_file, name="page_files_short"),
    path("api/", home.interface, name="interface"),
    path("api/v1/", api.urls),
    path("incidents/", incidents.listed, name="incidents"),
    path("incidents/<int:number>/", incidents.one, name="incident"),
    path("incidents/<int:number>/chart.json", incidents.chart, name="incident_chart"),
    path("status/", incidents.status, name="status"),
    path("metrics", incidents.metrics, name="metrics"),
    path("review/", review.inbox, name="review"),
    path("review/next/", review.next_one, name="review_next"),
    path("review/team/", review_team.team, name="review_team"),
    path("review/team/<slug:name>.json", review_team.chart, name="review_chart"),
    path("review/bulk/", review_team.bulk, name="review_bulk"),
    path("review/tasks/", review.listed, name="review_list"),
    path("review/tasks/<int:number>/", review.task, name="review_task"),
    path("review/tasks/<int:number>/draft/", review.draft, name="review_draft"),
    path("suggest/status/<str:token>/", suggestions.suggestion, name="suggestion"),
    path("suggest/<slug:product>/<slug:kind>/", suggestions.suggest, name="suggest"),
    path("confirm/<str:token>/", suggestions.confirm, name="confirm"),
    path("import/<slug:product>/<slug:dataset>/", imports.upload, name="import_list"),
    path("import/<slug:product>/<slug:dataset>/<str:token>/", imports.uploaded, name="import_file"),
    path("scorecard/", scorecard.listed, name="scorecard"),
    path("scorecard/<slug:product>/", scorecard.one, name="scorecard_product"),
    path("scorecard/<slug:product>/trend.json", scorecard.chart, name="scorecard_chart"),
    path("plans/", plans.listed, name="plans"),
    path("plans/<slug:plan>/", plans.one, name="plan"),
    path("people/", people.people, name="people"),
    path("audit/", audit.listed, name="audit"),
    path("audit/<int:index>/", audit.one, name="audit_entry"),
    path("audit/<int:index>/proof", audit.proof_file, name="audit_proof"),
    path("audit/log/<path:path>", audit.log_file, name="audit_files"),
    path("accounts/", include("allauth.urls")),
]

handler400 = failures.bad_request
handler403 = failures.not_allowed
handler404 = failures.not_found
handler500 = failures.broken
