# pyresolve/api/database.py
import os
from supabase import create_client, Client
from functools import lru_cache

@lru_cache()
def get_supabase() -> Client:
    """Get Supabase client (singleton)."""
    return create_client(
        os.environ["SUPABASE_URL"],
        os.environ["SUPABASE_SERVICE_KEY"]
    )

# Plan limits configuration
PLAN_LIMITS = {
    "free": {"migrations": 5, "llm_allowed": False},
    "pro": {"migrations": 50, "llm_allowed": True},
    "unlimited": {"migrations": float("inf"), "llm_allowed": True},
    "enterprise": {"migrations": float("inf"), "llm_allowed": True},
}
