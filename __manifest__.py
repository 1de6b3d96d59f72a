{
    "name": "Cloud PBX",
    "summary": "The phone rings and Odoo already knows who it is: your cloud PBX in your CRM",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "Cloud PBX for Odoo contributors",
    "license": "LGPL-3",
    "depends": ["bus", "contacts", "crm", "phone_validation"],
    "external_dependencies": {"python": ["phonenumbers", "requests"]},
    "data": [
        "security/cloud_pbx_security.xml",
        "security/ir.model.access.csv",
        "data/ir_sequence_data.xml",
        "data/ir_cron_data.xml",
        "views/pbx_menus.xml",
    ],
    "demo": ["demo/cloud_pbx_demo.xml"],
    "application": True,
}
