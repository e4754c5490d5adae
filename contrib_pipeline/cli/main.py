"""The command ``contrib-pipeline``: one module per group of commands, each a thin shell round the packages.

Errors that a person can do something about end as one line on stderr and exit code 1; wrong usage as 2.
"""

import sys

import click

from contrib_pipeline.cli import captures, events, metrics, system, up, worker, workspaces


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """The contribution history of GitHub repositories: complete, fresh, provable."""


for module in (up, worker, captures, workspaces, metrics, events, system):
    for command in module.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """Run the command line; known errors become one line."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        if not _is_known(error):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _is_known(error: Exception) -> bool:
    """Whether the error's message is written for people: those of our own packages are."""
    return type(error).__module__.startswith("contrib_pipeline.")
