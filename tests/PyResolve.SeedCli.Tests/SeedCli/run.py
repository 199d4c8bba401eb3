"""The seed's commands and functions as one program, for the tests to call."""
import os
import sys

import click

from pyresolve.cli import auth, migrate

REFUSED = 3


@click.group()
def main():
    pass


main.add_command(auth.login)
main.add_command(auth.logout)
main.add_command(auth.status)


@main.command()
@click.argument("tier")
def check_quota(tier: str):
    """Exit code 0: the migration may run; 3: it may not."""
    if not migrate.check_quota_before_migration(tier):
        sys.exit(REFUSED)


@main.command()
@click.argument("library")
@click.argument("tier")
@click.argument("files_changed", type=int)
def log_usage(library: str, tier: str, files_changed: int):
    migrate.log_migration_usage(library, tier, files_changed)


if __name__ == "__main__":
    # Away from the terminal that the tests may have been started in: a hidden prompt would read it instead of standard input.
    os.setsid()
    main()
