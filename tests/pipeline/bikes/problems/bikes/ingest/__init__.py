from problems.bikes.schema import WORLD

from problems.plain import reader

PLACE = {"time_format": "%d-%m-%Y %H", "time_zone": "America/New_York"}
READER = reader(WORLD, columns={"at": ["dateday", "hour"]}, **PLACE)
