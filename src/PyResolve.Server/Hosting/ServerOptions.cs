using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Hosting;

/// <summary>Read once at start; a wrong value stops the start with a message that says how to fix it.</summary>
internal sealed partial class ServerOptions
{
    /// <summary><c>DATABASE_URL</c>: PostgreSQL. Absent: SQLite in <see cref="DataFolder"/>.</summary>
    public string? DatabaseUrl { get; private init; }

    /// <summary><c>PYRESOLVE_DATA</c>: the folder of the embedded database; <c>./data</c> in Development.</summary>
    public required string DataFolder { get; init; }

    /// <summary><c>PYRESOLVE_PUBLIC_URL</c>: what links are built from; default the listening address.</summary>
    public Uri? PublicUrl { get; private init; }

    /// <summary><c>PYRESOLVE_SIGNUP</c>: <c>open</c> or <c>closed</c>.</summary>
    public bool SignUpIsOpen { get; private init; } = true;

    /// <summary><c>PyResolve:UpgradeUrl</c>: the address for more quota in refusals; default the page with the prices.</summary>
    public Uri? UpgradeUrl { get; private init; }

    /// <summary><c>PyResolve:CorsOrigins</c>: the web pages that may call this server from a browser.</summary>
    public required IReadOnlyList<string> CorsOrigins { get; init; }

    /// <summary><c>PyResolve:SessionDays</c>: how long a login lasts, 1 to 365; default 30.</summary>
    public int SessionDays { get; private init; } = 30;

    /// <summary><c>PyResolve:SessionIdleDays</c>: days without use after which a session ends, 1 to 365; default: none.</summary>
    public TimeSpan SessionIdle { get; private init; } = TimeSpan.FromDays(365);

    /// <summary><c>PyResolve:PasswordIterations</c>: PBKDF2-HMAC-SHA512 rounds; default 210,000.</summary>
    public int PasswordIterations { get; private init; } = 210_000;

    /// <summary><c>PyResolve:RememberedKeys</c>: how many verified keys an instance keeps in memory; default 200,000.</summary>
    public int RememberedKeys { get; private init; } = 200_000;

    /// <summary><c>PyResolve:LiveKeysPerAccount</c>: how many live keys an account may have; default 1,000.</summary>
    public int LiveKeysPerAccount { get; private init; } = 1_000;

    /// <summary><c>PyResolve:KeyPrefixes</c>: what keys of an earlier system begin with that are accepted too; default none.</summary>
    public IReadOnlyList<string> KeyPrefixes { get; private init; } = [];

    /// <summary><c>PyResolve:KeysPerHour</c>: how many keys an account may create or rotate within an hour; default 2,000.</summary>
    public int KeysPerHour { get; private init; } = 2_000;

    /// <summary>
    /// <c>PyResolve:Usage:RetentionMonths</c>: how many months before the current one keep their usage events, 3 to 1200; default all. An
    /// event may arrive 35 days late: with three months, an earlier one with its id is still there.
    /// </summary>
    public int? UsageRetentionMonths { get; private init; }

    /// <summary><c>PyResolve:DatabaseWaitSeconds</c>: how long a start waits for PostgreSQL to answer, 0 to 3600; default 30.</summary>
    public TimeSpan DatabaseWait { get; private init; }

    /// <summary>
    /// <c>PyResolve:DrainSeconds</c>: how long a server that is told to stop goes on serving, while <c>/health/ready</c> says 503, so
    /// that a load balancer notices first; 0 to 600, default 0.
    /// </summary>
    public TimeSpan Drain { get; private init; }

    /// <summary><c>PyResolve:RequestLog</c>: whether each request is a line in the log; default only in Development.</summary>
    public bool LogsRequests { get; private init; }

    public static ServerOptions Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var databaseUrl = Text(configuration, "DATABASE_URL");
        var dataFolder = Text(configuration, "PYRESOLVE_DATA");
        if (environment.IsProduction())
            RequireStore(configuration, databaseUrl, dataFolder);

        return new ServerOptions
        {
            DatabaseUrl = databaseUrl,
            DataFolder = Path.GetFullPath(dataFolder ?? "data"),
            PublicUrl = Url(configuration, "PYRESOLVE_PUBLIC_URL"),
            UpgradeUrl = Url(configuration, "PyResolve:UpgradeUrl"),
            SignUpIsOpen = Text(configuration, "PYRESOLVE_SIGNUP") switch
            {
                null or "open" => true,
                "closed" => false,
                var other => throw new InvalidConfigurationException($"PYRESOLVE_SIGNUP is {Quote(other)}; it is open or closed."),
            },
            CorsOrigins = Origins(configuration),
            LogsRequests = Flag(configuration, "PyResolve:RequestLog", environment.IsDevelopment()),
            SessionDays = Number(configuration, "PyResolve:SessionDays", 30, 1, 365),
            SessionIdle = TimeSpan.FromDays(Number(configuration, "PyResolve:SessionIdleDays", 365, 1, 365)),
            RememberedKeys = Number(configuration, "PyResolve:RememberedKeys", 200_000, 2, 10_000_000),
            LiveKeysPerAccount = Number(configuration, "PyResolve:LiveKeysPerAccount", 1_000, 1, 1_000_000),
            KeyPrefixes = Prefixes(configuration),
            KeysPerHour = Number(configuration, "PyResolve:KeysPerHour", 2_000, 1, 1_000_000),
            UsageRetentionMonths = Text(configuration, "PyResolve:Usage:RetentionMonths") is null
                ? null
                : Number(configuration, "PyResolve:Usage:RetentionMonths", 0, 3, 1_200),
            DatabaseWait = TimeSpan.FromSeconds(Number(configuration, "PyResolve:DatabaseWaitSeconds", 30, 0, 3_600)),
            Drain = TimeSpan.FromSeconds(Number(configuration, "PyResolve:DrainSeconds", 0, 0, 600)),
            PasswordIterations = Number(configuration, "PyResolve:PasswordIterations", 210_000, 1_000, 10_000_000),
        };
    }

    private static void RequireStore(IConfiguration configuration, string? databaseUrl, string? dataFolder)
    {
        if (databaseUrl is null && Text(configuration, "SUPABASE_URL") is not null)
        {
            throw new InvalidConfigurationException(
                "SUPABASE_URL is set but DATABASE_URL is not. "
                    + "The server talks to Supabase's database directly: copy the connection string from "
                + "the Supabase dashboard (Connect, then Connection string, URI) into DATABASE_URL.");
        }

        if (databaseUrl is null && dataFolder is null)
        {
            throw new InvalidConfigurationException(
                "No store is configured. Set DATABASE_URL=postgres://user:password@host:5432/database for PostgreSQL, or "
                    + "PYRESOLVE_DATA=/some/folder "
                + "for the embedded database. (In Development, with ASPNETCORE_ENVIRONMENT=Development, ./data is used.)");
        }
    }

    private static string[] Origins(IConfiguration configuration)
    {
        var section = configuration.GetSection("PyResolve:CorsOrigins");
        var origins = section.Value is { } list
            ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [.. section.GetChildren().Select(child => child.Value).OfType<string>()];
        return section.Exists() ? origins : ["https://pyresolve.dev", "http://localhost:3000"];
    }

    private static string[] Prefixes(IConfiguration configuration)
    {
        var prefixes = (Text(configuration, "PyResolve:KeyPrefixes") ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.Find(prefixes, static prefix => !KeyPrefix().IsMatch(prefix)) is not { } wrong
            ? prefixes
            : throw new InvalidConfigurationException(
                $"PyResolve:KeyPrefixes has {Quote(wrong)}; a prefix has 3 to 15 lower-case letters, digits and underscores, ends with an "
                + "underscore, and is not pyr_, pyr_sess_ or pyr_dev_, such as cs_live_.");
    }

    // Not that of a session or a device code. At least five characters of the secret tell the first 20 characters of two keys apart.
    [GeneratedRegex("^(?!pyr_$|pyr_sess_|pyr_dev_)[a-z][a-z0-9_]{1,13}_$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyPrefix();

    internal static string? Text(IConfiguration configuration, string name) =>
        configuration[name]?.Trim() is { Length: > 0 } value ? value : null;

    internal static Uri? Url(IConfiguration configuration, string name)
    {
        if (Text(configuration, name) is not { } text)
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new InvalidConfigurationException(
                $"{name} is {Quote(text)}; it must be a whole URL, such as https://billing.example.com.");
        }

        return url.UserInfo.Length == 0
            ? url
            : throw new InvalidConfigurationException(
                $"{name} has a user name or password before its host, which would be shown where the URL is shown. Leave it out.");
    }

    /// <summary>For messages, unless the value may have a password in it, as a URL that was meant for another setting.</summary>
    internal static string Quote(string text) => text.Contains('@', StringComparison.Ordinal) || text.Length > 200
        ? "not valid (its value is not shown, because it may have a password in it)"
        : $"'{text}'";

    internal static bool Flag(IConfiguration configuration, string name, bool fallback) => Flag(configuration, name) ?? fallback;

    internal static bool? Flag(IConfiguration configuration, string name) => Text(configuration, name) switch
    {
        null => null,
        var text when bool.TryParse(text, out var value) => value,
        var text => throw new InvalidConfigurationException(
            $"{FullName(configuration, name)} is {Quote(text)}; it must be true or false."),
    };

    private static string FullName(IConfiguration configuration, string name) =>
        configuration is IConfigurationSection section ? $"{section.Path}:{name}" : name;

    internal static int Number(IConfiguration configuration, string name, int fallback, int lowest, int highest)
    {
        if (Text(configuration, name) is not { } text)
            return fallback;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= lowest && value <= highest
            ? value
            : throw new InvalidConfigurationException($"{name} is {Quote(text)}; it is a number from {lowest} to {highest}.");
    }
}

internal sealed class InvalidConfigurationException(string message) : Exception(message);
