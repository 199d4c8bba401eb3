using System.Net;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

/// <summary>The options of a client: the server, the key, timeouts and limits. They are read once, when the client is created.</summary>
public sealed class PyResolveClientOptions
{
    /// <summary>The server that is asked when nothing names another: <c>https://api.pyresolve.dev</c>.</summary>
    public static Uri DefaultApiUrl { get; } = new("https://api.pyresolve.dev");

    /// <summary>The server's address: an absolute http or https URL without user info, query or fragment. Plain http is allowed only to
    /// this machine (<c>localhost</c> or a literal loopback address), unless <see cref="AllowInsecureHttp"/> is set. Default:
    /// <c>PYRESOLVE_API_URL</c>, then <c>api_url</c> in
    /// <c>config.toml</c>, then <c>https://api.pyresolve.dev</c>.</summary>
    public Uri? ApiUrl
    {
        get => ApiUrls is [var first, ..] ? first : null;
        set => ApiUrls = value is null ? null : [value];
    }

    /// <summary>The addresses of all servers of the service, in place of <see cref="ApiUrl"/>, which is the first of them: whichever is set
    /// last counts. Each follows the same rules. The one that answered last is asked first. Where a server refuses the connection, cannot
    /// be reached, does not answer in time or answers 503, the next is asked, within <see cref="RequestTimeout"/>; what may have been
    /// accepted is sent again only if it has an id, and counts once. In environment, file and configuration they are separated by
    /// commas.</summary>
    public IReadOnlyList<Uri>? ApiUrls { get; set; }

    /// <summary>The API key. Default: <c>PYRESOLVE_API_KEY</c>, then <c>api_key</c> in <c>config.toml</c>. Without a key, tier1 runs
    /// anonymously, and everything that requires an account is refused.</summary>
    public string? ApiKey { get; set; }

    /// <summary>The folder of config file, outbox and leases. Default: <c>PYRESOLVE_HOME</c>, then <c>~/.pyresolve</c>.</summary>
    public string? Home { get; set; }

    /// <summary>The profile in <c>config.toml</c> to use, which is a server and a key: 1 to 64 characters: letters, digits, - and _.
    /// Default: <c>PYRESOLVE_PROFILE</c>, then <c>profile</c> in the file, then the key and the server at its top. <see cref="ApiUrl"/>,
    /// <see cref="ApiKey"/> and their environment variables take precedence. A profile that the file does not have is an error, unless
    /// both options are set.</summary>
    public string? Profile { get; set; }

    /// <summary>The time limit of one call, all of its attempts included. An attempt that can be repeated gets half of the time that is
    /// left. Default 5 seconds; more than zero, at most 10 minutes.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The time limit of one connection: looking the name up, reaching the first of the server's addresses that answers, through a
    /// proxy if there is one, and TLS. Attempts share it with <see cref="RequestTimeout"/>: the shorter one counts. It has no effect on
    /// .NET Framework and on .NET before 8, whose connections end with the call. Default 3 seconds; more than zero, at most 10
    /// minutes.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>The proxy to use instead of the system's (<c>HTTPS_PROXY</c>, <c>HTTP_PROXY</c>, <c>ALL_PROXY</c> and <c>NO_PROXY</c>, or
    /// the settings of Windows and macOS). In configuration it is an address, such as <c>http://user:password@proxy.example:3128</c>. A
    /// server on this machine (<c>localhost</c>, <c>127.0.0.1</c>, <c>[::1]</c>) is never asked through a proxy. A <c>new WebProxy()</c>
    /// stands for none. Default <see langword="null"/>: the system's.</summary>
    public IWebProxy? Proxy { get; set; }

    /// <summary>For how long <see cref="QuotaGuard.CheckAsync"/> repeats an answer without asking the server again, in this process.
    /// Permits are never cached. Default 1 second; 0 (always ask) to 10 minutes.</summary>
    public TimeSpan QuotaCacheDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether the key may be sent unencrypted to another machine. Default <see langword="false"/>.</summary>
    public bool AllowInsecureHttp { get; set; }

    /// <summary>How many usage events may wait on disk; further ones are refused. Default 10,000; 1 to 1,000,000.</summary>
    public int OutboxCapacity { get; set; } = 10_000;

    /// <summary>How many bytes of usage events may wait on disk; further events are refused. Default 16 MiB; 1 KiB to 1 GiB.</summary>
    public long OutboxBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>For how long disposing the client waits for usage events to be sent. Default 5 seconds; 0 to 10 minutes.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How permits are decided when the server is out of reach. Default <see cref="OfflinePolicy.Lease"/>.</summary>
    public OfflinePolicy Offline { get; set; } = OfflinePolicy.Lease;

    /// <summary>How many migrations of tier2, and of tier3, to keep prepaid on this machine once that tier was used. They count as held on
    /// the server, and can run without it. All processes of the machine share them. Default 0, which is none; at most 1000.</summary>
    public int PrepaidMigrations { get; set; }

    /// <summary>The tool's name in the <c>User-Agent</c> of each request, before the client's own, for the server's log: 1 to 64 characters
    /// as in <c>mytool</c> or <c>mytool/1.2</c>. Default none.</summary>
    public string? ApplicationName { get; set; }

    /// <summary>What a user without a valid key is told to do, in messages and hints: a sentence in the tool's own words. Default: "Run
    /// 'pyresolve login', or set PYRESOLVE_API_KEY."</summary>
    public string LogInHint { get; set; } = "Run 'pyresolve login', or set PYRESOLVE_API_KEY.";

    /// <summary>Where a user gets an account, in messages. Default <c>https://pyresolve.dev</c>.</summary>
    public Uri SignUpUrl { get; set; } = new("https://pyresolve.dev");

    /// <summary>Where a user upgrades the plan, in denials. Default: the page that the server names, or its <c>/pricing</c>.</summary>
    public Uri? UpgradeUrl { get; set; }

    /// <summary>Whether the client does anything. Without it, every permit is granted and none is counted, usage events are refused
    /// (<see cref="ReportRefusal.Disabled"/>), all other calls throw <see cref="PyResolveErrorCodes.Disabled"/>; no server is asked, and
    /// neither the environment nor a file is read. Default <see langword="true"/>.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>The loggers of a client without a container, in the categories of <c>AddPyResolveClient</c>. Default none. In a container,
    /// its own loggers count.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>For how long migrations are prepaid: whole seconds. Default 7 days; 1 minute to 7 days.</summary>
    public TimeSpan PrepaidLifetime { get; set; } = TimeSpan.FromDays(7);
}
