"""Half a year of a model's life: a world that changes, through the real server, store, watch and
cycle, in simulated time.

    make life                            reports/life.html
    python -m bench.life --kept FOLDER   keep the copies that it played in

course.py   all that will happen, simulated once; and what becomes of models that nobody serves
place.py    origin, remote and a copy to serve from, with the first model in use
play.py     day by day: payments are asked about, outcomes come; week by week: watch and cycle
fates.py    months of three fates beside each other, and what happened when
told.py     their figures in words, beside what is aimed at
page.py     reports/life.html
"""
