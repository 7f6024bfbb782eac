"""The memory API, under `/memory/v1`: everything stored about a person, for whoever answers for them.

    request ─► edge ─► reading ─► a call of the table ─► its function ─► outputs
                                        └─► openapi

`table.py` lists the calls; routes and the OpenAPI document are made from it. Each function does one call's work with
what `Means` gives it.
"""
