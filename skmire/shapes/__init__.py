"""Shapes: volumes of voxels, surfaces of triangles, and the ways between them."""

from skmire.shapes._level_set import level_set_mesh
from skmire.shapes._mesh import Mesh
from skmire.shapes._sampling import sample_volume
from skmire.shapes._voxels import occupancy_from_mesh

__all__ = ["Mesh", "level_set_mesh", "occupancy_from_mesh", "sample_volume"]
