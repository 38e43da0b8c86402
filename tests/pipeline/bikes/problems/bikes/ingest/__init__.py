from problems.bikes.schema import WORLD

from problems.plain import plain_reader

PLACE = {"time_format": "%d-%m-%Y %H", "time_zone": "America/New_York"}
READER = plain_reader(WORLD, columns={"at": ["dateday", "hour"]}, **PLACE)
