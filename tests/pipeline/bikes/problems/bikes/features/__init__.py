from problems.contract import Features
from problems.defaults import calendar

FEATURES = Features(calendar("at", zone="America/New_York"))
