"""Open311 GeoReport v2: applications of others list our services, file requests and read what has become of them."""

from channels.open311.routes import create_router

__all__ = ["create_router"]
