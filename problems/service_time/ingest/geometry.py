"""Distances on the earth."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_008.8
METRES_A_DEGREE = np.pi * EARTH_RADIUS_M / 180.0  # of latitude


class Points(NamedTuple):
    """Latitudes and longitudes in degrees; shape (n,), or (1,) for one place."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]


def metres_between(a: Points, b: Points) -> NDArray[np.float64]:
    """Return great-circle distances in metres (haversine), shape (n,)."""
    lat_a, lat_b = np.radians(a.latitude), np.radians(b.latitude)
    half_lat = np.sin((lat_b - lat_a) / 2) ** 2
    half_lon = np.sin(np.radians(b.longitude - a.longitude) / 2) ** 2
    root = np.sqrt(np.clip(half_lat + np.cos(lat_a) * np.cos(lat_b) * half_lon, 0, 1))
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(root))


def middle(points: Points) -> Points:
    """Return the medians of latitude and longitude, over the readable ones."""
    readable = np.isfinite(points.latitude) & np.isfinite(points.longitude)
    if not readable.any():
        return Points(np.zeros(1), np.zeros(1))
    return Points(
        np.median(points.latitude[readable], keepdims=True),
        np.median(points.longitude[readable], keepdims=True),
    )
