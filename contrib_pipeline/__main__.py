"""``python -m contrib_pipeline``: the command line."""

from contrib_pipeline.cli.main import main

if __name__ == "__main__":
    main()
