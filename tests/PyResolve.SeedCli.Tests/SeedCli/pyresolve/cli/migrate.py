# pyresolve/cli/migrate.py (add to existing)
import click
import httpx
from pyresolve.cli.auth import get_api_key, API_BASE


def check_quota_before_migration(tier: str) -> bool:
    """
    Check if user can run migration.
    Returns True if allowed, False otherwise.
    """
    api_key = get_api_key()

    # Tier 1 (AST-only) is free without auth
    if tier == "tier1" and not api_key:
        return True

    # LLM tiers require auth
    if tier in ("tier2", "tier3") and not api_key:
        click.echo("⚠️  LLM-powered migrations require authentication")
        click.echo("")
        click.echo("Options:")
        click.echo("  1. Run: pyresolve login")
        click.echo("  2. Get free account: https://pyresolve.dev")
        click.echo("  3. Use --tier1-only flag for AST-only migration")
        return False

    if not api_key:
        return True  # Allow unauthenticated tier1

    # Check quota with API
    try:
        with httpx.Client() as client:
            response = client.get(
                f"{API_BASE}/quota",
                headers={"X-API-Key": api_key},
                timeout=10.0
            )

        if response.status_code == 401:
            click.echo("❌ Invalid API key. Run: pyresolve login")
            return False

        quota = response.json()

        # Check migration limit
        if not quota["can_migrate"]:
            click.echo(f"❌ Monthly limit reached ({quota['migrations_limit']} migrations)")
            click.echo("   Upgrade at https://pyresolve.dev/pricing")
            return False

        # Check LLM access
        if tier in ("tier2", "tier3") and not quota["llm_allowed"]:
            click.echo("❌ LLM migrations require Pro plan")
            click.echo("   Upgrade at https://pyresolve.dev/pricing")
            click.echo("   Or use --tier1-only for free AST migration")
            return False

        # Show remaining quota
        remaining = quota["migrations_remaining"]
        if remaining != "unlimited":
            click.echo(f"📊 Quota: {remaining} migrations remaining this month")

        return True

    except httpx.RequestError:
        # Allow migration if API is unreachable (offline mode)
        click.echo("⚠️  Could not reach API, proceeding in offline mode")
        return True


def log_migration_usage(library: str, tier: str, files_changed: int):
    """Log usage after successful migration."""
    api_key = get_api_key()
    if not api_key:
        return

    try:
        with httpx.Client() as client:
            client.post(
                f"{API_BASE}/usage",
                headers={"X-API-Key": api_key},
                json={
                    "event_type": "migration",
                    "library": library,
                    "tier": tier,
                    "files_changed": files_changed
                },
                timeout=10.0
            )
    except httpx.RequestError:
        pass  # Silent fail for usage logging
