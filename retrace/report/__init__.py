"""One self-contained HTML page on every problem, from the small files that the stages leave in Git.

inputs.py      read metrics, profiles, checks, slices and cards
numbers.py     figures with sensible digits; metric names in words
verdicts.py    the model against its baselines, in plain words
parameters.py  the parameters of a problem, with their comments
charts.py      the plots of dvc.yaml, as `dvc plots` draws them
own.py         the problems' own tables: headings, units, digits
pictures.py    their pictures, by the columns that a table has; marks.py, the pieces of them
page.py        all of it into templates/index.html
"""
