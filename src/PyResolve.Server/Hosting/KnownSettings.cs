namespace PyResolve.Server.Hosting;

/// <summary>The names of all settings, to tell a misspelt one from a known one. <c>*</c> stands for any one part.</summary>
internal static class KnownSettings
{
    private const string Section = "PyResolve:";
    private const int MinTypoLength = 8;
    private const int MaxTypos = 2;

    private static readonly string[] OwnPrefixes = [Section, "PYRESOLVE_"];

    private static readonly string[] Names =
    [
        "DATABASE_URL",
        "PYRESOLVE_DATA",
        "PYRESOLVE_PUBLIC_URL",
        "PYRESOLVE_SIGNUP",
        "PYRESOLVE_LEASE_KEY",
        "PYRESOLVE_ENCRYPTION_KEY",
        "PYRESOLVE_METRICS_URLS",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_PRICE_PRO",
        "STRIPE_PRICE_UNLIMITED",
        "STRIPE_API_BASE",
        "STRIPE_PORTAL_CONFIGURATION",
        "SUPABASE_URL",
        "SUPABASE_JWT_SECRET",
        "SUPABASE_ANON_KEY",
        "SUPABASE_SERVICE_KEY",
        "PyResolve:CorsOrigins",
        "PyResolve:CorsOrigins:*",
        "PyResolve:DatabaseWaitSeconds",
        "PyResolve:DeviceCodesPerHour",
        "PyResolve:EmailFolder",
        "PyResolve:KeysPerHour",
        "PyResolve:LiveKeysPerAccount",
        "PyResolve:LogFormat",
        "PyResolve:LogInFailuresPerAccount",
        "PyResolve:LogInFailuresPerAddress",
        "PyResolve:Migrate:Bubblewrap",
        "PyResolve:Migrate:Concurrent",
        "PyResolve:Migrate:ConcurrentPerAccount",
        "PyResolve:Migrate:DiskMegabytes",
        "PyResolve:Migrate:Environment:*",
        "PyResolve:Migrate:FirstUserId",
        "PyResolve:Migrate:Folder",
        "PyResolve:Migrate:MemoryMegabytes",
        "PyResolve:Migrate:OutputKilobytes",
        "PyResolve:Migrate:Processes",
        "PyResolve:Migrate:Seconds",
        "PyResolve:Migrate:Wrapper",
        "PyResolve:Migrators:*:*",
        "PyResolve:Oidc:*:Audience",
        "PyResolve:Oidc:*:ClientId",
        "PyResolve:Oidc:*:ClientSecret",
        "PyResolve:Oidc:*:Issuer",
        "PyResolve:Oidc:*:JwksUrl",
        "PyResolve:Oidc:*:Name",
        "PyResolve:PasswordIterations",
        "PyResolve:Plans:*:LlmAllowed",
        "PyResolve:Plans:*:MigrationsLimit",
        "PyResolve:Plans:*:Price:Amount",
        "PyResolve:Plans:*:Price:Currency",
        "PyResolve:Plans:*:Price:Interval",
        "PyResolve:RememberedKeys",
        "PyResolve:RequestLog",
        "PyResolve:SessionDays",
        "PyResolve:SessionIdleDays",
        "PyResolve:SignUpsPerHour",
        "PyResolve:Smtp:From",
        "PyResolve:Smtp:Host",
        "PyResolve:Smtp:Password",
        "PyResolve:Smtp:Port",
        "PyResolve:Smtp:Tls",
        "PyResolve:Smtp:User",
        "PyResolve:Stripe:AutomaticTax",
        "PyResolve:Stripe:CancelUrl",
        "PyResolve:Stripe:DisputeEndsPlan",
        "PyResolve:Stripe:EventsMinutes",
        "PyResolve:Stripe:GraceDays",
        "PyResolve:Stripe:Locale",
        "PyResolve:Stripe:ManagedPayments",
        "PyResolve:Stripe:PromotionCodes",
        "PyResolve:Stripe:ReconcileMinutes",
        "PyResolve:Stripe:RequestsPerSecond",
        "PyResolve:Stripe:ReturnUrl",
        "PyResolve:Stripe:SuccessUrl",
        "PyResolve:Stripe:TaxCode",
        "PyResolve:Stripe:TaxIds",
        "PyResolve:Stripe:UnknownPriceDays",
        "PyResolve:Supabase:ConfirmsEmails",
        "PyResolve:Supabase:Passwords",
        "PyResolve:Supabase:Providers",
        "PyResolve:TrustedProxies",
        "PyResolve:TrustedProxies:*",
        "PyResolve:UpgradeUrl",
        "PyResolve:Usage:RetentionMonths",
    ];

    /// <summary>Of the command line and of tests, which may be set beside a server's.</summary>
    private static readonly string[] Others =
    [
        "PYRESOLVE_API_KEY", "PYRESOLVE_API_URL", "PYRESOLVE_HOME", "PYRESOLVE_LIMIT", "PYRESOLVE_PROFILE", "PYRESOLVE_PROOFS",
        "PYRESOLVE_SCREENSHOTS", "PYRESOLVE_SOAK", "STRIPE_WEBHOOK_URL",
    ];

    public static bool IsKnown(string name) =>
        Names.Any(known => Matches(known, name))
        || Others.Contains(name, StringComparer.OrdinalIgnoreCase)
        || name.StartsWith("PYRESOLVE_TEST", StringComparison.OrdinalIgnoreCase);

    /// <summary>Settings that are set and have no effect, each with the known name that is most like it.</summary>
    public static IReadOnlyList<(string Name, string Nearest)> FindUnknown(IConfiguration configuration) =>
    [
        .. from setting in configuration.AsEnumerable()
           where setting.Value is not null && !IsKnown(setting.Key)
           let nearest = NearestTo(setting.Key)
           // A name without our prefix may be another program's: it is reported only when it is very like one of ours.
           where OwnPrefixes.Any(prefix => setting.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
               || (setting.Key.Length >= MinTypoLength && Distance(setting.Key, nearest) <= MaxTypos)
           orderby setting.Key
           select (setting.Key, nearest),
    ];

    private static string NearestTo(string name) =>
        Names.MinBy(known => Math.Min(Distance(name, known), 1 + Distance(LastPart(name), LastPart(known))))!;

    private static bool Matches(string known, string name)
    {
        var (expected, parts) = (known.Split(':'), name.Split(':'));
        return expected.Length == parts.Length
            && expected.Zip(parts).All(static pair =>
                pair.First == "*" || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    }

    private static string LastPart(string name) => name[(name.LastIndexOf(':') + 1)..];

    private static int Distance(string one, string other) => EditDistance.Between(one.ToUpperInvariant(), other.ToUpperInvariant());
}
