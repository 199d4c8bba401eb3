namespace PyResolve.Server.Hosting;

/// <summary>Tells a misspelt name from that of a setting.</summary>
internal static class KnownSettings
{
    private const string Section = "PyResolve:";
    private const int MinTypoLength = 8;
    private const int MaxTypos = 2;

    private static readonly string[] OwnPrefixes = [Section, "PYRESOLVE_"];

    private static readonly string[] Others =
    [
        // Names of the command line and of tests, which may be set beside a server's.
        "PYRESOLVE_API_KEY", "PYRESOLVE_API_URL", "PYRESOLVE_HOME", "PYRESOLVE_LIMIT", "PYRESOLVE_PROFILE", "PYRESOLVE_PROOFS",
        "PYRESOLVE_SCREENSHOTS", "PYRESOLVE_SOAK", "STRIPE_WEBHOOK_URL",
        // Names of earlier servers: accepted, and ignored.
        "PyResolve:Stripe:ReconcileMinutes", "SUPABASE_SERVICE_KEY",
    ];

    /// <param name="name">Of a setting.</param>
    /// <param name="configuration">Whose plans have a setting for each of their prices.</param>
    public static bool IsKnown(string name, IConfiguration configuration) =>
        SettingsTable.Find(name, configuration) is not null
        || Others.Contains(name, StringComparer.OrdinalIgnoreCase)
        || name.StartsWith("PYRESOLVE_TEST", StringComparison.OrdinalIgnoreCase);

    /// <summary>Settings that are set and have no effect, each with the known name that is most like it.</summary>
    public static IReadOnlyList<(string Name, string Nearest)> FindUnknown(IConfiguration configuration) =>
    [
        .. from setting in configuration.AsEnumerable()
           where setting.Value is not null && !IsKnown(setting.Key, configuration)
           let nearest = NearestTo(setting.Key)
           // A name without our prefix may be another program's: it is reported only when it is very like one of ours.
           where OwnPrefixes.Any(prefix => setting.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
               || (setting.Key.Length >= MinTypoLength && Distance(setting.Key, nearest) <= MaxTypos)
           orderby setting.Key
           select (setting.Key, nearest),
    ];

    private static string NearestTo(string name) => SettingsTable.All
        .Where(static known => !known.IsOfTheHost)
        .MinBy(known => Math.Min(Distance(name, known.Name), 1 + Distance(LastPart(name), LastPart(known.Name))))!
        .Name;

    private static string LastPart(string name) => name[(name.LastIndexOf(':') + 1)..];

    private static int Distance(string one, string other) => EditDistance.Between(one.ToUpperInvariant(), other.ToUpperInvariant());
}
