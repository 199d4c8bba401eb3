namespace PyResolve.Server.Hosting;

/// <summary>A setting of the server. In its name, <c>&lt;plan&gt;</c> and the like stand for any one part.</summary>
internal sealed record Setting(string Name, string Meaning, string Default)
{
    /// <summary>Its value is shown nowhere.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The framework's own: others may have similar ones, which are not misspelt ones of ours.</summary>
    public bool IsOfTheHost { get; init; }

    public bool IsNamed(string name)
    {
        var (expected, parts) = (Name.Split(':'), name.Split(':'));
        return expected.Length == parts.Length
            && expected.Zip(parts).All(static pair =>
                pair.First.StartsWith('<') || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary><c>Guide</c>: the page of the documentation that says more.</summary>
internal sealed record SettingsSection(string Title, string Guide, IReadOnlyList<Setting> Settings);

/// <summary>
/// Every setting. The start's warning of misspelt names, the operator's page, the command <c>config</c> and
/// <c>docs/configuration.md</c> are made from it.
/// </summary>
internal static class SettingsTable
{
    private const string None = "none";

    public static IReadOnlyList<SettingsSection> Sections { get; } =
    [
        new("Store", "hosting.md#postgresql",
        [
            new("DATABASE_URL", "PostgreSQL: postgres://user:password@host:5432/database", "SQLite") { IsSecret = true },
            new("PYRESOLVE_DATA", "The folder of the embedded database", "./data in Development; in Production one of the two must be set"),
            new("PyResolve:DatabaseWaitSeconds", "How long a start waits for PostgreSQL to answer, 0 to 3600", "30"),
            new("PyResolve:Usage:RetentionMonths", "For how many earlier months usage events are kept, 3 to 1200", "all"),
        ]),
        new("Address", "hosting.md#behind-a-proxy-with-tls",
        [
            new("PYRESOLVE_PUBLIC_URL", "The address in links, as people see it", "the listening address"),
            new("PyResolve:TrustedProxies", "Addresses or networks whose X-Forwarded-For is trusted, comma-separated", None),
            new("PyResolve:TrustedProxies:<n>", "One of them, as a list", None),
            new("PyResolve:CorsOrigins", "Origins of web pages that may call the API, comma-separated",
                "https://pyresolve.dev, http://localhost:3000"),
            new("PyResolve:CorsOrigins:<n>", "One of them, as a list", None),
            new("PyResolve:UpgradeUrl", "The address in refusals, where people can upgrade", "the public address, /pricing"),
            new("PyResolve:RequestLog", "true: a line in the log for each request", "true in Development"),
        ]),
        new("Keys of the server", "leases.md",
        [
            new("PYRESOLVE_LEASE_KEY", "P-256 private key(s) that sign leases", "embedded database: made on first use; PostgreSQL: none")
            {
                IsSecret = true,
            },
            new("PYRESOLVE_ENCRYPTION_KEY", "Key(s) that encrypt the secrets of second factors: 32 bytes in base64",
                "embedded database: made on first use; PostgreSQL: none")
            {
                IsSecret = true,
            },
        ]),
        new("Accounts and keys", "accounts.md",
        [
            new("PYRESOLVE_SIGNUP", "open or closed", "open"),
            new("PyResolve:PasswordIterations", "PBKDF2-HMAC-SHA512 rounds for new passwords", "210000"),
            new("PyResolve:SessionDays", "How long a login lasts, 1 to 365", "30"),
            new("PyResolve:SessionIdleDays", "After how many days without use a session ends, 1 to 365", "as long as it lasts"),
            new("PyResolve:LogInFailuresPerAccount", "Failed logins to an account from networks that are new to it, in 15 minutes", "20"),
            new("PyResolve:LogInFailuresPerAddress", "Failed logins from an address, in 15 minutes", "100"),
            new("PyResolve:SignUpsPerHour", "Sign-ups from an address, an hour", "1000"),
            new("PyResolve:DeviceCodesPerHour", "Device logins started from an address, an hour", "300"),
            new("PyResolve:LiveKeysPerAccount", "Live keys of an account", "1000"),
            new("PyResolve:KeysPerHour", "Keys that an account may create or rotate, an hour", "2000"),
            new("PyResolve:RememberedKeys", "Verified keys that an instance keeps in memory", "200000"),
        ]),
        new("E-mail", "accounts.md#send-emails",
        [
            new("PyResolve:Smtp:Host", "The mail server", "none: no e-mail is sent"),
            new("PyResolve:Smtp:From", "The sender's address, such as PyResolve <billing@example.com>", None),
            new("PyResolve:Smtp:Port", "Its port", "587"),
            new("PyResolve:Smtp:Tls", "starttls, implicit or none", "starttls; implicit on port 465"),
            new("PyResolve:Smtp:User", "If the mail server asks for it", None),
            new("PyResolve:Smtp:Password", "If the mail server asks for it", None) { IsSecret = true },
            new("PyResolve:EmailFolder", "Without a mail server: e-mails are written there as .eml files",
                "none; in Development outgoing-mail in the data folder"),
        ]),
        new("Plans", "quota.md",
        [
            new("PyResolve:Plans:<plan>:MigrationsLimit", "A number a month, or unlimited; plans: free, pro, unlimited, enterprise",
                "5, 50, unlimited, unlimited"),
            new("PyResolve:Plans:<plan>:LlmAllowed", "Whether tier2 and tier3 may run", "true for all but free"),
            new("PyResolve:Plans:<plan>:Price:Amount", "The price that is shown, in minor units", "1900 and 4900"),
            new("PyResolve:Plans:<plan>:Price:Currency", "Its currency", "usd"),
            new("PyResolve:Plans:<plan>:Price:Interval", "What it pays for", "month"),
        ]),
        .. SettingsTableOfServices.Sections,
        new("Without an effect in this version", "hosting.md#settings",
        [
            new("PYRESOLVE_METRICS_URLS", "Nothing", None),
            new("PyResolve:Stripe:ReconcileMinutes", "Nothing", None),
            new("SUPABASE_SERVICE_KEY", "Nothing", None) { IsSecret = true },
        ]),
        new("ASP.NET Core", "hosting.md#settings",
        [
            new("PORT", "The port to listen on, on every address", "none: http://localhost:8000") { IsOfTheHost = true },
            new("URLS", "Where to listen; in the environment ASPNETCORE_URLS", "http://localhost:8000") { IsOfTheHost = true },
            new("ASPNETCORE_URLS", "Where to listen", "http://localhost:8000") { IsOfTheHost = true },
            new("ENVIRONMENT", "Production or Development; in the environment ASPNETCORE_ENVIRONMENT", "Production") { IsOfTheHost = true },
            new("AllowedHosts", "Host names of requests that are answered, semicolon-separated", "*") { IsOfTheHost = true },
            new("Logging:LogLevel:<category>", "The lowest level that is logged, such as Warning", "Information") { IsOfTheHost = true },
        ]),
    ];

    public static IReadOnlyList<Setting> All { get; } = [.. Sections.SelectMany(static section => section.Settings)];

    public static Setting? Find(string name) => All.FirstOrDefault(setting => setting.IsNamed(name));
}
