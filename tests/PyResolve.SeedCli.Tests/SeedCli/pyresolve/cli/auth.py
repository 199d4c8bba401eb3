# pyresolve/cli/auth.py
import os
import click
import httpx
from pathlib import Path

CONFIG_DIR = Path.home() / ".pyresolve"
CONFIG_FILE = CONFIG_DIR / "config.toml"
API_BASE = os.environ.get("PYRESOLVE_API_URL", "https://api.pyresolve.dev")


def get_api_key() -> str | None:
    """Get API key from environment or config."""
    # Environment takes priority
    if key := os.environ.get("PYRESOLVE_API_KEY"):
        return key

    # Check config file
    if CONFIG_FILE.exists():
        import toml
        config = toml.load(CONFIG_FILE)
        return config.get("api_key")

    return None


def save_api_key(api_key: str):
    """Save API key to config file."""
    import toml

    CONFIG_DIR.mkdir(exist_ok=True)

    config = {}
    if CONFIG_FILE.exists():
        config = toml.load(CONFIG_FILE)

    config["api_key"] = api_key

    with open(CONFIG_FILE, "w") as f:
        toml.dump(config, f)

    # Secure the file
    os.chmod(CONFIG_FILE, 0o600)


@click.command()
@click.option("--key", prompt="Enter your API key", hide_input=True, help="Your PyResolve API key")
def login(key: str):
    """Authenticate with PyResolve."""
    if not key.startswith("pyr_live_"):
        click.echo("❌ Invalid API key format. Keys start with 'pyr_live_'")
        click.echo("   Get your key at https://pyresolve.dev/settings")
        return

    # Verify key with API
    try:
        with httpx.Client() as client:
            response = client.get(
                f"{API_BASE}/me",
                headers={"X-API-Key": key},
                timeout=10.0
            )

        if response.status_code == 200:
            user = response.json()
            save_api_key(key)
            click.echo(f"✓ Authenticated as {user['email']}")
            click.echo(f"  Plan: {user['plan']}")
            click.echo(f"  Migrations remaining: {user['quota']['migrations_remaining']}")
        else:
            click.echo("❌ Invalid API key")
            click.echo("   Get your key at https://pyresolve.dev/settings")

    except httpx.RequestError as e:
        click.echo(f"❌ Connection error: {e}")


@click.command()
def logout():
    """Remove saved credentials."""
    if CONFIG_FILE.exists():
        os.remove(CONFIG_FILE)
        click.echo("✓ Logged out successfully")
    else:
        click.echo("Not logged in")


@click.command()
def status():
    """Show current authentication status and quota."""
    api_key = get_api_key()

    if not api_key:
        click.echo("Not logged in")
        click.echo("Run: pyresolve login")
        return

    try:
        with httpx.Client() as client:
            response = client.get(
                f"{API_BASE}/me",
                headers={"X-API-Key": api_key},
                timeout=10.0
            )

        if response.status_code == 200:
            user = response.json()
            quota = user["quota"]

            click.echo(f"Email: {user['email']}")
            click.echo(f"Plan:  {user['plan'].upper()}")
            click.echo(f"")
            click.echo(f"This month:")
            click.echo(f"  Migrations: {quota['migrations_used']}/{quota['migrations_limit']}")
            click.echo(f"  LLM access: {'✓' if quota['llm_allowed'] else '✗ (upgrade to Pro)'}")
        else:
            click.echo("❌ Invalid or expired API key")
            click.echo("Run: pyresolve login")

    except httpx.RequestError as e:
        click.echo(f"❌ Connection error: {e}")
