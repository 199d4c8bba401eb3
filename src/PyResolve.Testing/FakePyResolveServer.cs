using PyResolve.Client;
using PyResolve.Testing.Contract;
using PyResolve.Testing.Faults;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing;

/// <summary>
/// A PyResolve server in memory, for a tool's own tests: the routes of the real one, a clock that a test moves, faults to order, and a look
/// at what was recorded. Thread-safe; each test starts its own.
/// </summary>
/// <remarks>
/// It keeps the contract as the real server does, and both pass one conformance suite. It leaves out what has no part in a tool's tests: web
/// pages, forms, Stripe's webhooks, <c>/openapi/v1.json</c>, the throttles of logins and sign-ups, and the most live keys of an account.
/// </remarks>
public sealed class FakePyResolveServer : IAsyncDisposable, IDisposable
{
    private readonly FaultPlan _faults = new();
    private readonly List<FakeRequest> _requests = [];
    private readonly LoopbackListener? _listener;
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pyresolve-fake-");

    private FakePyResolveServer(FakePyResolveServerOptions options)
    {
        Clock = new(options.StartAt);
        Plans = new(this);
        Account = AddAccount("ada@example.com");
        _listener = options.ListenOnLoopback ? LoopbackListener.Start(this) : null;
        Url = _listener?.Url ?? new("https://pyresolve.test");
    }

    /// <summary>What clients have as their <see cref="PyResolveClientOptions.ApiUrl"/>: <c>https://pyresolve.test</c>, which is no host, or the loopback address.</summary>
    public Uri Url { get; }

    /// <summary>Where the clients of <see cref="CreateClient"/> keep their config file and outbox: a folder that goes with this server.</summary>
    public string Home => _home.FullName;

    /// <summary>The server's time, and that of its clients.</summary>
    public FakeClock Clock { get; }

    /// <summary>What each plan allows.</summary>
    public FakePlans Plans { get; }

    /// <summary>An account on the free plan, whose key the clients of <see cref="CreateClient"/> have.</summary>
    public FakeAccount Account { get; }

    /// <summary>Every account, <see cref="Account"/> first, then in the order in which they were opened or signed up.</summary>
    public IReadOnlyList<FakeAccount> Accounts
    {
        get
        {
            lock (Gate)
                return [.. People];
        }
    }

    /// <summary>The codes that devices show, and that nobody has decided on.</summary>
    public IReadOnlyList<string> PendingDeviceCodes
    {
        get
        {
            lock (Gate)
                return [.. DeviceLogIns.Where(login => login.IsPending(Now)).Select(static login => login.UserCode)];
        }
    }

    /// <summary>Whether no request reaches the server, as without a network. Default <see langword="false"/>.</summary>
    public bool IsOffline { get; set; }

    /// <summary>How long each answer takes, on <see cref="Clock"/>. Default zero.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Whether <c>POST /auth/signup</c> makes accounts. Default <see langword="true"/>.</summary>
    public bool IsSignUpOpen { get; set; } = true;

    /// <summary>Whether the routes of billing work; otherwise they answer 503, <c>billing_not_configured</c>. Default <see langword="true"/>.</summary>
    public bool IsBillingConfigured { get; set; } = true;

    /// <summary>Whether a hold for a machine comes with a signed lease. Default <see langword="true"/>.</summary>
    public bool IssuesLeases { get; set; } = true;

    /// <summary>The requests that reached the server, in that order; not those sent while it was offline.</summary>
    public IReadOnlyList<FakeRequest> Requests
    {
        get
        {
            lock (Gate)
                return [.. _requests];
        }
    }

    internal Gate Gate { get; } = new();

    internal List<FakeAccount> People { get; } = [];

    internal List<FakeDeviceLogIn> DeviceLogIns { get; } = [];

    internal LeaseKey LeaseKey { get; } = new();

    internal string PublicUrl => Url.AbsoluteUri.TrimEnd('/');

    internal DateTimeOffset Now => Recorded.Cut(Clock.GetUtcNow());

    /// <summary>A server of a test's own.</summary>
    /// <param name="options">Default: in this process, at the present.</param>
    public static FakePyResolveServer Start(FakePyResolveServerOptions? options = null) => new(options ?? new());

    /// <summary>A client of this server with the key of <see cref="Account"/>, as a tool would make it. Dispose of it before the server.</summary>
    /// <param name="configure">Changes the options, such as the key; default: leave them.</param>
    public PyResolveClient CreateClient(Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions();
        Configure(options);
        configure?.Invoke(options);
        return new(new HttpClient(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan }, options, Clock);
    }

    /// <summary>Sets the server, the key and the folder of options that a tool makes its client with; a look at the quota is never repeated from memory.</summary>
    public void Configure(PyResolveClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (options.ApiUrl, options.ApiKey, options.Home, options.QuotaCacheDuration) = (Url, Account.ApiKey, Home, TimeSpan.Zero);
    }

    /// <summary>What an <see cref="HttpClient"/> sends through to ask this server without a socket: for <c>ConfigurePrimaryHttpMessageHandler</c>.</summary>
    public HttpMessageHandler CreateHandler() => new FakeHandler(this);

    /// <summary>Opens another account.</summary>
    /// <param name="email">Its e-mail, which no other has.</param>
    /// <param name="password">Default: one that <see cref="FakeAccount.Password"/> tells.</param>
    /// <exception cref="ArgumentException">Another account has that e-mail.</exception>
    public FakeAccount AddAccount(string email, string password = "correct horse battery staple")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(email);
        var normal = email.Trim().ToLowerInvariant();
        lock (Gate)
        {
            return People.Exists(account => account.Books.Email == normal)
                ? throw new ArgumentException("There is an account with this e-mail already.", nameof(email))
                : Open(normal, password, normal.Split('@')[0]);
        }
    }

    /// <summary>Has requests go wrong, from the next one on. Of several faults for a route, the first ordered comes first.</summary>
    /// <param name="fault">What goes wrong.</param>
    /// <param name="route">Of which requests, as <c>POST /quota/reservations/*/commit</c>; an asterisk stands for one segment. Default: of all.</param>
    /// <param name="times">For how many of them; <see cref="int.MaxValue"/>: for ever. Default 1.</param>
    /// <exception cref="ArgumentException"><paramref name="route"/> is no route.</exception>
    public void Inject(Fault fault, string route = "*", int times = 1)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        _faults.Add(fault, new(route), times);
    }

    /// <summary>Has nothing go wrong any more: no fault, no latency, and online.</summary>
    public void Heal()
    {
        _faults.Clear();
        (IsOffline, Latency) = (false, TimeSpan.Zero);
    }

    /// <summary>Has a person approve a device login.</summary>
    /// <param name="userCode">From <see cref="Client.Wire.DeviceCodeResponse.UserCode"/>.</param>
    /// <param name="account">Whose key the device gets; default <see cref="Account"/>.</param>
    /// <exception cref="ArgumentException">No device shows that code.</exception>
    public void ApproveDevice(string userCode, FakeAccount? account = null) => Decide(userCode, login => login.ApprovedBy = account ?? Account);

    /// <summary>Has a person deny a device login.</summary>
    /// <param name="userCode">From <see cref="Client.Wire.DeviceCodeResponse.UserCode"/>.</param>
    /// <exception cref="ArgumentException">No device shows that code.</exception>
    public void DenyDevice(string userCode) => Decide(userCode, static login => login.IsDenied = true);

    /// <summary>Stops listening, and deletes <see cref="Home"/>.</summary>
    public void Dispose()
    {
        _listener?.Dispose();
        LeaseKey.Dispose();
        try
        {
            _home.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A client that is still at work has a file open or makes one: the folder is the system's to clear.
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Under the lock.</summary>
    internal FakeAccount Open(string email, string password, string? name)
    {
        var account = new FakeAccount(this).Opened(email, password, name);
        People.Add(account);
        return account;
    }

    internal async Task<FakeAnswer> AnswerAsync(FakeRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsOffline)
            throw Fault.Refused();
        var answering = ServeAsync(request, cancellationToken);
        // Only now: what a test sees here waits for the clock already, if it has to wait.
        lock (Gate)
            _requests.Add(request);
        return await answering.ConfigureAwait(false);
    }

    private async Task<FakeAnswer> ServeAsync(FakeRequest request, CancellationToken cancellationToken)
    {
        if (Latency > TimeSpan.Zero)
            await Task.Delay(Latency, Clock, cancellationToken).ConfigureAwait(false);
        return _faults.Take(request) is { } fault
            ? await fault.ApplyAsync(this, Answer, cancellationToken).ConfigureAwait(false)
            : Answer();

        FakeAnswer Answer()
        {
            lock (Gate)
                return Routes.Answer(this, request);
        }
    }

    private void Decide(string userCode, Action<FakeDeviceLogIn> decide)
    {
        lock (Gate)
        {
            decide(DeviceLogIns.Find(login => login.UserCode == userCode)
                ?? throw new ArgumentException($"No device shows the code {userCode}.", nameof(userCode)));
        }
    }
}
