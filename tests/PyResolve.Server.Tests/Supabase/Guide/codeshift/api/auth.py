# pyresolve/api/auth.py
from fastapi import HTTPException, Security
from fastapi.security import APIKeyHeader
from codeshift.api.database import get_supabase

api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False)


async def get_current_user(api_key: str = Security(api_key_header)) -> dict:
    """Validate API key and return user."""
    if not api_key:
        raise HTTPException(
            status_code=401,
            detail="API key required. Get one at https://pyresolve.dev"
        )

    if not api_key.startswith("pyr_live_"):
        raise HTTPException(
            status_code=401,
            detail="Invalid API key format"
        )

    supabase = get_supabase()

    # Call the validation function
    result = supabase.rpc("validate_api_key", {"p_api_key": api_key}).execute()

    if not result.data or len(result.data) == 0:
        raise HTTPException(
            status_code=401,
            detail="Invalid or revoked API key"
        )

    return result.data[0]


async def get_optional_user(api_key: str = Security(api_key_header)) -> dict | None:
    """Get user if API key provided, None otherwise."""
    if not api_key:
        return None

    try:
        return await get_current_user(api_key)
    except HTTPException:
        return None
