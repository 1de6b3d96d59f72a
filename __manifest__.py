{
    "name": "Cloud PBX",
    "summary": "The phone rings and Odoo already knows who it is: your cloud PBX in your CRM",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "Cloud PBX for Odoo contributors",
    "license": "LGPL-3",
    "depends": ["bus", "contacts", "crm", "phone_validation"],
    "external_dependencies": {"python": ["phonenumbers", "requests"]},
    "data": [],
    "demo": [],
    "application": True,
}
