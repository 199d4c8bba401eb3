-- Enable required extensions
CREATE EXTENSION IF NOT EXISTS "pgcrypto";

-- ============================================
-- Users Profile Table (extends Supabase Auth)
-- ============================================
CREATE TABLE public.profiles (
    id UUID PRIMARY KEY REFERENCES auth.users(id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    name TEXT,
    plan TEXT DEFAULT 'free' CHECK (plan IN ('free', 'pro', 'unlimited', 'enterprise')),
    stripe_customer_id TEXT,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    updated_at TIMESTAMPTZ DEFAULT NOW()
);

-- Auto-create profile on user signup
CREATE OR REPLACE FUNCTION public.handle_new_user()
RETURNS TRIGGER AS $$
BEGIN
    INSERT INTO public.profiles (id, email, name)
    VALUES (
        NEW.id,
        NEW.email,
        COALESCE(NEW.raw_user_meta_data->>'name', split_part(NEW.email, '@', 1))
    );
    RETURN NEW;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

CREATE TRIGGER on_auth_user_created
    AFTER INSERT ON auth.users
    FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();

-- ============================================
-- API Keys Table
-- ============================================
CREATE TABLE public.api_keys (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES public.profiles(id) ON DELETE CASCADE,
    key_hash TEXT NOT NULL,
    key_prefix TEXT NOT NULL,  -- "pyr_live_abc123" (first 20 chars for display)
    name TEXT DEFAULT 'Default',
    last_used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    revoked_at TIMESTAMPTZ,

    CONSTRAINT unique_key_prefix UNIQUE (key_prefix)
);

CREATE INDEX idx_api_keys_prefix ON public.api_keys(key_prefix) WHERE revoked_at IS NULL;
CREATE INDEX idx_api_keys_user ON public.api_keys(user_id);

-- ============================================
-- Usage Events Table
-- ============================================
CREATE TABLE public.usage_events (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES public.profiles(id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,  -- 'migration', 'scan', 'llm_call'
    library TEXT,              -- 'pydantic', 'fastapi', etc.
    tier TEXT,                 -- 'tier1', 'tier2', 'tier3'
    files_changed INTEGER DEFAULT 0,
    tokens_used INTEGER DEFAULT 0,
    metadata JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT NOW()
);

CREATE INDEX idx_usage_user_month ON public.usage_events (
    user_id,
    DATE_TRUNC('month', created_at)
);

-- ============================================
-- Monthly Usage View
-- ============================================
CREATE OR REPLACE VIEW public.monthly_usage AS
SELECT
    user_id,
    DATE_TRUNC('month', created_at) AS month,
    COUNT(*) FILTER (WHERE event_type = 'migration') AS migrations,
    COUNT(*) FILTER (WHERE tier = 'tier1') AS tier1_migrations,
    COUNT(*) FILTER (WHERE tier IN ('tier2', 'tier3')) AS llm_migrations,
    COALESCE(SUM(tokens_used), 0) AS total_tokens,
    COALESCE(SUM(files_changed), 0) AS total_files_changed
FROM public.usage_events
GROUP BY user_id, DATE_TRUNC('month', created_at);

-- ============================================
-- Helper Functions
-- ============================================

-- Generate a new API key for a user
CREATE OR REPLACE FUNCTION public.create_api_key(p_name TEXT DEFAULT 'Default')
RETURNS TABLE (api_key TEXT, key_prefix TEXT) AS $$
DECLARE
    v_user_id UUID;
    v_key TEXT;
    v_prefix TEXT;
    v_hash TEXT;
BEGIN
    -- Get current user from Supabase auth
    v_user_id := auth.uid();
    IF v_user_id IS NULL THEN
        RAISE EXCEPTION 'Not authenticated';
    END IF;

    -- Generate random key: pyr_live_<32 chars>
    v_key := 'pyr_live_' || encode(gen_random_bytes(24), 'hex');
    v_prefix := substring(v_key, 1, 20);
    v_hash := crypt(v_key, gen_salt('bf'));

    INSERT INTO public.api_keys (user_id, key_hash, key_prefix, name)
    VALUES (v_user_id, v_hash, v_prefix, p_name);

    RETURN QUERY SELECT v_key AS api_key, v_prefix AS key_prefix;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

-- Validate API key and return user info
CREATE OR REPLACE FUNCTION public.validate_api_key(p_api_key TEXT)
RETURNS TABLE (
    user_id UUID,
    email TEXT,
    plan TEXT,
    stripe_customer_id TEXT
) AS $$
DECLARE
    v_prefix TEXT;
    v_record RECORD;
BEGIN
    v_prefix := substring(p_api_key, 1, 20);

    SELECT ak.*, p.email, p.plan, p.stripe_customer_id
    INTO v_record
    FROM public.api_keys ak
    JOIN public.profiles p ON p.id = ak.user_id
    WHERE ak.key_prefix = v_prefix
      AND ak.revoked_at IS NULL;

    IF v_record IS NULL THEN
        RETURN;
    END IF;

    -- Verify hash
    IF v_record.key_hash = crypt(p_api_key, v_record.key_hash) THEN
        -- Update last used
        UPDATE public.api_keys SET last_used_at = NOW() WHERE id = v_record.id;

        RETURN QUERY SELECT
            v_record.user_id,
            v_record.email,
            v_record.plan,
            v_record.stripe_customer_id;
    END IF;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

-- Get current month usage for a user
CREATE OR REPLACE FUNCTION public.get_current_usage(p_user_id UUID)
RETURNS TABLE (
    migrations BIGINT,
    tier1_migrations BIGINT,
    llm_migrations BIGINT,
    total_tokens BIGINT
) AS $$
BEGIN
    RETURN QUERY
    SELECT
        COALESCE(mu.migrations, 0),
        COALESCE(mu.tier1_migrations, 0),
        COALESCE(mu.llm_migrations, 0),
        COALESCE(mu.total_tokens, 0)
    FROM public.monthly_usage mu
    WHERE mu.user_id = p_user_id
      AND mu.month = DATE_TRUNC('month', NOW());
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

-- ============================================
-- Row Level Security
-- ============================================
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.usage_events ENABLE ROW LEVEL SECURITY;

-- Profiles: users can only see/edit their own profile
CREATE POLICY "Users can view own profile"
    ON public.profiles FOR SELECT
    USING (auth.uid() = id);

CREATE POLICY "Users can update own profile"
    ON public.profiles FOR UPDATE
    USING (auth.uid() = id);

-- API Keys: users can only manage their own keys
CREATE POLICY "Users can view own API keys"
    ON public.api_keys FOR SELECT
    USING (auth.uid() = user_id);

CREATE POLICY "Users can insert own API keys"
    ON public.api_keys FOR INSERT
    WITH CHECK (auth.uid() = user_id);

CREATE POLICY "Users can update own API keys"
    ON public.api_keys FOR UPDATE
    USING (auth.uid() = user_id);

-- Usage: users can only see their own usage
CREATE POLICY "Users can view own usage"
    ON public.usage_events FOR SELECT
    USING (auth.uid() = user_id);

-- Service role can do everything (for API backend)
CREATE POLICY "Service role full access to profiles"
    ON public.profiles FOR ALL
    USING (auth.role() = 'service_role');

CREATE POLICY "Service role full access to api_keys"
    ON public.api_keys FOR ALL
    USING (auth.role() = 'service_role');

CREATE POLICY "Service role full access to usage"
    ON public.usage_events FOR ALL
    USING (auth.role() = 'service_role');
