"""The store on MongoDB through motor; every promise rests on writes of single documents."""

from memproxy_mongo.store import MongoStore, open_store

__all__ = ["MongoStore", "open_store"]
