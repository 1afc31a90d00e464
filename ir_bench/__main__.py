"""`ir-bench …` and `python -m ir_bench …`."""

from ir_bench.cli import main

if __name__ == "__main__":
    main()
