"""Every address of the portal.

Belongs here: addresses and their names. Does not belong here: who may ask for them (`access.RULES`; a route without a line there
is refused).
"""

from __future__ import annotations

from django.urls import include, path

from civicops.portal.api import api
from civicops.portal.views import audit, datasets, failures, home, incidents, people, product_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("health", home.health, name="health"),
    path("products/<slug:product>/", home.product, name="product"),
    path("static/<path:path>", home.static, name="static"),
    path("catalogue/", datasets.browse, name="catalogue"),
    path("catalogue/<slug:product>/<slug:dataset>/", datasets.dataset, name="dataset"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/", datasets.version, name="version"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/changes/", datasets.changes, name="changes"),
    path("catalogue/<slug:product>/<slug:dataset>/<slug:version>/<str:name>", datasets.download, name="download"),
    path("p/<slug:product>/<slug:name>/", product_pages.page, name="page"),
    path("p/<slug:product>/<slug:name>/files/<path:path>", product_pages.page_file, name="page_files"),
    path("pages/<slug:product>/<slug:name>/files/<path:path>", product_pages.page_file, name="page_files_short"),
    path("api/", home.interface, name="interface"),
    path("api/v1/", api.urls),
    path("incidents/", incidents.listed, name="incidents"),
    path("incidents/<int:number>/", incidents.one, name="incident"),
    path("incidents/<int:number>/chart.json", incidents.chart, name="incident_chart"),
    path("status/", incidents.status, name="status"),
    path("metrics", incidents.metrics, name="metrics"),
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
