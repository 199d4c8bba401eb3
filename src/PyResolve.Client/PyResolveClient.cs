using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>The client of PyResolve billing for tools: <see cref="Quota"/> asks whether a migration may run, <see cref="Usage"/> reports
/// what ran, and the methods are the routes of the server, one request each. Thread-safe; create one for the process. The key and the
/// server are read once, when it is created.</summary>
/// <remarks>A request that only reads, or has an id, is sent again after a lost connection or a late answer, and when the server asks for a
/// short wait, all within <see cref="PyResolveClientOptions.RequestTimeout"/>. Every method throws <see cref="PyResolveException"/> when
/// the server refuses, is out of reach or is not a PyResolve server, <see cref="OperationCanceledException"/> when its token is cancelled,
/// <see cref="ArgumentNullException"/> for an argument that must be there and is null, and <see cref="ArgumentException"/> for a session
/// token with other than visible ASCII characters.</remarks>
public sealed partial class PyResolveClient : IAsyncDisposable, IDisposable
{
    private readonly ApiTransport _transport;
    private readonly HttpClient? _ownHttp;
    private readonly bool _ownsUsage;

    /// <summary>Creates a client over your own <see cref="HttpClient"/>, which is not disposed of. It should not follow redirects, because
    /// they would send the key to another server. Its handler decides about proxies and connections:
    /// <see cref="PyResolveClientOptions.Proxy"/> and <see cref="PyResolveClientOptions.ConnectTimeout"/> have no effect, and a server on
    /// this machine is asked through a proxy if the handler does so.</summary>
    /// <param name="httpClient">Its <see cref="HttpClient.BaseAddress"/> is not used.</param>
    /// <param name="options">Default: from the environment, then from the config file.</param>
    /// <param name="timeProvider">The clock, for tests; default the system's.</param>
    /// <exception cref="PyResolveException">The configuration is invalid.</exception>
    public PyResolveClient(HttpClient httpClient, PyResolveClientOptions? options = null, TimeProvider? timeProvider = null)
        : this(options ?? new(), () => httpClient, ownHttp: null, timeProvider ?? TimeProvider.System) => Guard.NotNull(httpClient);

    internal PyResolveClient(PyResolveClientOptions options, Func<HttpClient> http, HttpClient? ownHttp, TimeProvider time)
        : this(Read(options), settings => new(settings, http, connects: false, time), ownHttp)
    {
    }

    private PyResolveClient(
        (ClientSettings Settings, ApiKeyStore Keys) read, Func<ClientSettings, ApiTransport> connect, HttpClient? ownHttp)
        : this(connect(read.Settings), read.Keys)
    {
        _ownHttp = ownHttp;
        _ownsUsage = true;
    }

    private PyResolveClient(ApiTransport transport, ApiKeyStore keys)
        : this(transport, keys, new UsageReporter(transport, logger: null))
    {
    }

    internal PyResolveClient(ApiTransport transport, ApiKeyStore keys, UsageReporter usage)
    {
        _transport = transport;
        Keys = keys;
        Usage = usage;
        Quota = new(transport, usage);
    }

    /// <summary>Asks whether a migration may run, and reserves quota for it.</summary>
    public QuotaGuard Quota { get; }

    /// <summary>Reports what ran, in the background.</summary>
    public UsageReporter Usage { get; }

    /// <summary>The key and the server that are saved on this machine.</summary>
    public ApiKeyStore Keys { get; }

    /// <summary>Whether there is a key, from the options, the environment or the config file. Without one, only tier1 runs, uncounted.
    /// The server may not know the key: <see cref="GetAccountAsync"/> asks.</summary>
    public bool HasApiKey => _transport.HasKey;

    /// <summary>The server's address; of several, the one that answered last, or else the first.</summary>
    public Uri ApiUrl => _transport.ApiUrl;

    /// <summary>The addresses of all servers of the service, in the order in which they are written.</summary>
    public IReadOnlyList<Uri> ApiUrls => _transport.Settings.ApiUrls;

    /// <summary>Creates a client with its own <see cref="HttpClient"/>, for programs without a container.</summary>
    /// <param name="options">Default: from the environment, then from the config file.</param>
    /// <exception cref="PyResolveException">The configuration is invalid; <see cref="ConfigFileException"/> if it is the file.</exception>
    public static PyResolveClient Create(PyResolveClientOptions? options = null) =>
        Create(options ?? new(), static settings => HttpDefaults.CreateClient(settings));

    internal static PyResolveClient Create(PyResolveClientOptions options, Func<ClientSettings, HttpClient> createHttp)
    {
        var read = Read(options);
        var http = createHttp(read.Settings);
        return new(read, settings => new(settings, () => http, connects: true, TimeProvider.System), http);
    }

    /// <summary>Waits until pending usage events are sent, for <see cref="PyResolveClientOptions.ShutdownTimeout"/> at most. A client from
    /// a container leaves them to the container.</summary>
    public async ValueTask DisposeAsync()
    {
        var quota = Quota.CloseAsync();
        if (_ownsUsage)
            await Usage.DisposeAsync().ConfigureAwait(false);
        await quota.ConfigureAwait(false);
        _ownHttp?.Dispose();
    }

    /// <summary>As <see cref="DisposeAsync"/>; blocks.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();

    private static (ClientSettings Settings, ApiKeyStore Keys) Read(PyResolveClientOptions options)
    {
        if (ClientSettings.Validate(options) is { } error)
            throw error;
        var keys = new ApiKeyStore(options.Home, options.Profile);
        return (ClientSettings.From(options, keys), keys);
    }

    private static ApiRequest PostAnonymously(string path) => ApiRequest.Post(path) with { AllowsKey = false };

    private static string? Session(string? token) => token is null || VisibleAscii.Is(token)
        ? token
        : throw new ArgumentException("A session token has visible ASCII characters only.", nameof(token));

    private static string RequiredSession(string token) => Session(Guard.NotNull(token))!;
}
