{
    "name": "Cloud PBX: bare route to measure against",
    "summary": "One ORM create per request, nothing else",
    "version": "19.0.1.0.0",
    "author": "Cloud PBX for Odoo contributors",
    "license": "LGPL-3",
    "category": "Hidden",
    "depends": ["cloud_pbx"],
}
