{
    "name": "Cloud PBX: what to measure against",
    "summary": "One ORM create or bus message per request, nothing else",
    "version": "19.0.1.0.0",
    "author": "Cloud PBX for Odoo contributors",
    "license": "LGPL-3",
    "category": "Hidden",
    "depends": ["cloud_pbx"],
    "assets": {"web.assets_backend": ["cloud_pbx_bench/static/src/**/*"]},
}
