from problems.contract import Features
from problems.defaults import calendar

FEATURES = Features(calendar("at", "America/New_York"))
