"""From one table to a problem of its own: what its columns are, what gives the answer away, which
limits hold, and the package and the lines of YAML that say so."""
