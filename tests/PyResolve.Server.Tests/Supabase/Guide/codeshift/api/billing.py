# pyresolve/api/billing.py
import os
import stripe
from codeshift.api.database import get_supabase, PLAN_LIMITS

stripe.api_key = os.environ["STRIPE_SECRET_KEY"]


async def get_quota(user: dict) -> dict:
    """Get user's current quota status."""
    plan = user.get("plan", "free")
    limits = PLAN_LIMITS[plan]

    supabase = get_supabase()
    result = supabase.rpc("get_current_usage", {"p_user_id": user["user_id"]}).execute()

    usage = result.data[0] if result.data else {
        "migrations": 0,
        "tier1_migrations": 0,
        "llm_migrations": 0
    }

    migrations_used = usage["migrations"]
    migrations_limit = limits["migrations"]

    return {
        "plan": plan,
        "migrations_used": migrations_used,
        "migrations_limit": migrations_limit if migrations_limit != float("inf") else "unlimited",
        "migrations_remaining": (migrations_limit - migrations_used) if migrations_limit != float("inf") else "unlimited",
        "llm_allowed": limits["llm_allowed"],
        "can_migrate": migrations_used < migrations_limit,
    }


async def create_checkout_session(user: dict, price_id: str) -> str:
    """Create Stripe checkout session."""
    supabase = get_supabase()

    # Get or create Stripe customer
    customer_id = user.get("stripe_customer_id")

    if not customer_id:
        customer = stripe.Customer.create(
            email=user["email"],
            metadata={"user_id": str(user["user_id"])}
        )
        customer_id = customer.id

        # Save customer ID to profile
        supabase.table("profiles") \
            .update({"stripe_customer_id": customer_id}) \
            .eq("id", user["user_id"]) \
            .execute()

    session = stripe.checkout.Session.create(
        customer=customer_id,
        mode="subscription",
        line_items=[{"price": price_id, "quantity": 1}],
        success_url="https://pyresolve.dev/billing?success=true",
        cancel_url="https://pyresolve.dev/billing?canceled=true",
        metadata={"user_id": str(user["user_id"])}
    )

    return session.url


async def create_portal_session(user: dict) -> str:
    """Create Stripe billing portal session."""
    if not user.get("stripe_customer_id"):
        raise ValueError("No billing account found")

    session = stripe.billing_portal.Session.create(
        customer=user["stripe_customer_id"],
        return_url="https://pyresolve.dev/billing"
    )

    return session.url


async def log_usage(user_id: str, event_type: str, **kwargs):
    """Log a usage event."""
    supabase = get_supabase()

    supabase.table("usage_events").insert({
        "user_id": user_id,
        "event_type": event_type,
        "library": kwargs.get("library"),
        "tier": kwargs.get("tier"),
        "files_changed": kwargs.get("files_changed", 0),
        "tokens_used": kwargs.get("tokens_used", 0),
        "metadata": kwargs.get("metadata", {})
    }).execute()
