"""The `civicops` program as a module, for benchmarks that start it with the peers' environment.

Belongs here: starting it. Does not belong here: anything else. (Started by `python -c`, DuckDB takes the program for a notebook
and draws its progress between the lines.)
"""

from civicops.cli import main

if __name__ == "__main__":
    main()
