namespace PyResolve.Server.Hosting;

/// <summary>A setting of the server. In its name, <c>&lt;plan&gt;</c> and the like stand for any one part.</summary>
internal sealed record Setting(string Name, string Meaning, string Default)
{
    /// <summary>Whether its value is hidden in all output.</summary>
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
    private const string PricePrefix = "STRIPE_PRICE_";
    private static readonly string[] Suffixes = ["", "_year", "_overage", "_overage_year"];

    /// <summary>Found by the plans that there are, and not by its name.</summary>
    private static readonly Setting PriceOfPlan = new(
        $"{PricePrefix}<plan>", "The id at Stripe of a plan's price by the month; with _YEAR of that by the year",
        "none: it is not for sale");

    public static IReadOnlyList<SettingsSection> Sections { get; } =
    [
        new("Store", "hosting.md#postgresql",
        [
            new("DATABASE_URL", "PostgreSQL: postgres://user:password@host:5432/database", "SQLite") { IsSecret = true },
            new("PYRESOLVE_DATA", "The folder of the embedded database", "./data in Development; in Production one of the two must be set"),
            new(EnvironmentFile.Setting, "A file with settings, NAME=value a line; also --env-file. The environment wins over it", None),
            new("PyResolve:DatabaseWaitSeconds", "How long a start waits for PostgreSQL to answer, 0 to 3600", "30"),
            new("PyResolve:Usage:RetentionMonths", "For how many earlier months usage events are kept, 3 to 1200", "all"),
        ]),
        new("Address", "hosting.md#behind-a-proxy-with-tls",
        [
            new("PYRESOLVE_PUBLIC_URL", "The address in links, as people see it", "the listening address"),
            new(TrustedProxies.Setting, "Addresses or networks whose X-Forwarded-For is trusted, comma-separated", None),
            new($"{TrustedProxies.Setting}:<n>", "One of them, as a list", None),
            new(TrustedProxies.HeaderSetting, "The header in which they name the client's address, such as CF-Connecting-IP",
                "X-Forwarded-For"),
            new("PyResolve:CorsOrigins", "Origins of web pages that may call the API, comma-separated",
                "https://pyresolve.dev, http://localhost:3000"),
            new("PyResolve:CorsOrigins:<n>", "One of them, as a list", None),
            new("PyResolve:UpgradeUrl", "The address in refusals, where people can upgrade", "the public address, /pricing"),
        ]),
        new("Availability", "high-availability.md",
        [
            new("PyResolve:DrainSeconds",
                "How long a server that is told to stop goes on serving, while /health/ready answers 503, 0 to 600", "0"),
        ]),
        new("Monitoring", "monitoring.md",
        [
            new("PYRESOLVE_METRICS_URLS", "Where Prometheus reads /metrics, such as http://127.0.0.1:9464; several, comma-separated", None),
            new("OTEL_EXPORTER_OTLP_ENDPOINT", "A collector of OpenTelemetry; the other OTEL_ variables have their usual meaning", None)
            {
                IsOfTheHost = true,
            },
            new("PyResolve:RequestLog", "true: a line in the log for each request", "true in Development"),
            new("PyResolve:LogFormat", "text or json: an object a line", "text"),
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
            new("PyResolve:KeyPrefixes", "Other beginnings of keys that are accepted beside pyr_live_, comma-separated", None),
            new("PyResolve:RememberedKeys", "Verified keys that an instance keeps in memory", "200000"),
        ]),
        new("Email", "accounts.md#send-emails",
        [
            new("PyResolve:Smtp:Host", "The mail server", "none: no email is sent"),
            new("PyResolve:Smtp:From", "The sender's address, such as PyResolve <billing@example.com>", None),
            new("PyResolve:Smtp:Port", "Its port", "587"),
            new("PyResolve:Smtp:Tls", "starttls, implicit or none", "starttls; implicit on port 465"),
            new("PyResolve:Smtp:User", "If the mail server asks for it", None),
            new("PyResolve:Smtp:Password", "If the mail server asks for it", None) { IsSecret = true },
            new("PyResolve:EmailFolder", "Without a mail server: emails are written there as .eml files",
                "none; in Development outgoing-mail in the data folder"),
        ]),
        new("Product", "plans.md#the-name-of-the-product",
        [
            new("PyResolve:Product:Name", "What pages, emails and Stripe's pages call it", "PyResolve"),
            new("PyResolve:Product:SupportEmail", "The address at the end of pages and emails", None),
            new("PyResolve:Product:Url", "Your own site", None),
        ]),
        new("Plans", "plans.md",
        [
            new("PyResolve:Plans:<plan>:Order", "A number: the plan with a greater one is the greater plan", "as the plans of the default"),
            new("PyResolve:Plans:<plan>:WithoutPayment", "true at the one plan that every account begins with", "the plan free"),
            new("PyResolve:Plans:<plan>:MigrationsLimit", "A number a month, or unlimited", "5, 50, unlimited, unlimited"),
            new("PyResolve:Plans:<plan>:PerSeat", "true: price and limit are for a seat", "false"),
            new("PyResolve:Plans:<plan>:Tiers", "tier1, or tier1 and others, with commas between", "all; without payment tier1"),
            new("PyResolve:Plans:<plan>:LlmAllowed", "In place of Tiers: whether tier2 and tier3 may run", "true for all but free"),
            new("PyResolve:Plans:<plan>:Title", "What pages call it", "its name with a capital"),
            new("PyResolve:Plans:<plan>:Description", "A sentence about it", None),
            new("PyResolve:Plans:<plan>:Features:<n>", "A line on the page of prices", None),
            new("PyResolve:Plans:<plan>:Prices:<interval>:Amount", "For a month or a year, in the currency's minor unit",
                "not sold that way"),
            new("PyResolve:Plans:<plan>:Prices:<interval>:Currency", "Its currency", "usd"),
            new("PyResolve:Plans:<plan>:Prices:<interval>:Metered", "true: for what was used, charged afterwards", "false"),
            new("PyResolve:Plans:<plan>:Price:Amount", "In place of Prices:month", "1900 and 4900"),
            new("PyResolve:Plans:<plan>:Price:Currency", "Its currency", "usd"),
            new("PyResolve:Plans:<plan>:Price:Interval", "What it pays for", "month"),
            new("PyResolve:Plans:<plan>:TrialDays", "How long the first subscription is free, up to 730", "no trial"),
            new("PyResolve:Plans:<plan>:TrialNeedsCard", "false: the trial begins without a card", "true"),
            new("PyResolve:Plans:<plan>:Public", "false: shown only to accounts that have it", "true"),
            PriceOfPlan,
        ]),
        new("Credits and overage", "credits.md",
        [
            new("PyResolve:Plans:<plan>:Credits", "true: units beyond its quota are drawn on credits", "false"),
            new("PyResolve:Plans:<plan>:Overage:UnitAmount",
                "For a unit beyond quota and credits, billed afterwards, in the currency's minor unit", "no overage"),
            new("PyResolve:Plans:<plan>:Overage:Currency", "Its currency, that of the plan's price", "that of the plan's price"),
            new("PyResolve:Plans:<plan>:Overage:MaxUnits", "The most that an account may allow itself in a month, up to 1000000", "1000"),
            new("PyResolve:Plans:<plan>:Overage:Meter", "The event name of the meter at Stripe", "pyresolve_<plan>_overage"),
            new("PyResolve:Credits:<pack>:Units", "How many migrations the credits give, up to 1000000", "must be set"),
            new("PyResolve:Credits:<pack>:Amount", "What they cost, in the currency's minor unit", "must be set"),
            new("PyResolve:Credits:<pack>:Currency", "Its currency", "usd"),
            new("PyResolve:Credits:<pack>:Title", "What pages call them", "their number"),
            new("PyResolve:Credits:<pack>:ValidDays", "After so many days the rest ends, up to 3650", "they do not end"),
        ]),
        .. SettingsTableOfServices.Sections,
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

    /// <param name="name">Of a setting.</param>
    /// <param name="configuration">Whose plans have a setting for each of their prices.</param>
    public static Setting? Find(string name, IConfiguration configuration) =>
        All.FirstOrDefault(setting => setting.IsNamed(name)) ?? (IsPriceOfPlan(name, configuration) ? PriceOfPlan : null);

    /// <summary><c>STRIPE_PRICE_TEAM</c> or <c>STRIPE_PRICE_TEAM_YEAR</c>, where there is a plan <c>team</c>.</summary>
    private static bool IsPriceOfPlan(string name, IConfiguration configuration)
    {
        return name.StartsWith(PricePrefix, StringComparison.OrdinalIgnoreCase)
            && (configuration.GetSection("PyResolve:Plans").GetChildren().Any(
                    plan => Suffixes.Any(suffix => Matches(plan.Key, suffix)))
                || configuration.GetSection("PyResolve:Credits").GetChildren().Any(pack => Matches("credits_", pack.Key)));

        bool Matches(string plan, string suffix) =>
            name[PricePrefix.Length..].Equals($"{plan}{suffix}".Replace('-', '_'), StringComparison.OrdinalIgnoreCase);
    }
}
