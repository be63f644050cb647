"""Cameras: where they stand, the rays of their pixels, and the views they took."""

from skmire.cameras._loading import load_views
from skmire.cameras._poses import look_at, orbit
from skmire.cameras._rays import camera_rays
from skmire.cameras._views import Views

__all__ = ["Views", "camera_rays", "load_views", "look_at", "orbit"]
