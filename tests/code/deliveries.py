"""Settings of the deliveries simulator that its tests share."""

from problems.service_time.simulate import SimulateSettings

SETTINGS = SimulateSettings(stops=20_000)
ZONE = "Europe/Oslo"
