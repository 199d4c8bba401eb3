namespace PyResolve.Client;

/// <summary>Where the server is, who asks, and how patiently. Read once, when the client is made.</summary>
public sealed class PyResolveClientOptions
{
    /// <summary>
    /// The server. Default: <c>PYRESOLVE_API_URL</c>, then <c>api_url</c> in <c>config.toml</c>, then <c>https://api.pyresolve.dev</c>. It is an
    /// absolute http or https URL without user info, query or fragment; plain http goes to loopback only, unless <see cref="AllowInsecureHttp"/>.
    /// </summary>
    public Uri? ApiUrl { get; set; }

    /// <summary>
    /// The API key. Default: <c>PYRESOLVE_API_KEY</c>, then <c>api_key</c> in <c>config.toml</c>. Without any, tier1 runs anonymously, and
    /// whatever needs an account is refused.
    /// </summary>
    public string? ApiKey { get; set; }

    /// <summary>The folder of <c>config.toml</c>, of the usage events that wait, and of leases. Default: <c>PYRESOLVE_HOME</c>, then <c>~/.pyresolve</c>.</summary>
    public string? Home { get; set; }

    /// <summary>
    /// The server and account to use of those in <c>config.toml</c>: 1 to 64 letters, digits, - and _. Default: <c>PYRESOLVE_PROFILE</c>, then
    /// <c>profile</c> in the file, then the key and the server at its top. <see cref="ApiUrl"/>, <see cref="ApiKey"/> and their variables come first.
    /// </summary>
    public string? Profile { get; set; }

    /// <summary>
    /// How long one call may take, its answer and whatever tries it needs included: what an unreachable server costs at most. A try that can
    /// be repeated gets half of what is left. Default 5 seconds; more than zero, at most 10 minutes.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// For how long <see cref="QuotaGuard.CheckAsync"/> repeats an answer without asking again, in this process. Permits never come from
    /// memory. Default 1 second; 0 (always ask) to 10 minutes.
    /// </summary>
    public TimeSpan QuotaCacheDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether the key may travel unencrypted to a host that is not this machine. Default <see langword="false"/>.</summary>
    public bool AllowInsecureHttp { get; set; }

    /// <summary>How many usage events may wait for the server, on disk, in this process; beyond it they are refused. Default 10,000; 1 to 1,000,000.</summary>
    public int OutboxCapacity { get; set; } = 10_000;

    /// <summary>How many bytes of usage events may wait for the server, on disk, in this process; beyond it they are refused. Default 16 MiB; 1 KiB to 1 GiB.</summary>
    public long OutboxBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How long disposing the client waits for the usage events that still wait. Default 5 seconds; 0 to 10 minutes.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What happens when someone with a key wants a permit and the server is out of reach. Default <see cref="OfflinePolicy.Lease"/>.</summary>
    public OfflinePolicy Offline { get; set; } = OfflinePolicy.Lease;

    /// <summary>
    /// How many migrations of tier2, and of tier3, to keep prepaid on this machine once that tier was used: they count as held on the server,
    /// and can run without it. Several processes share them. Default 0, none; at most 1000.
    /// </summary>
    public int PrepaidMigrations { get; set; }

    /// <summary>For how long migrations are prepaid at a time: whole seconds. Default 7 days; 1 minute to 7 days.</summary>
    public TimeSpan PrepaidLifetime { get; set; } = TimeSpan.FromDays(7);
}
