using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Testing.Contract;
using PyResolve.Testing.Faults;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing;

/// <summary>A PyResolve server in memory, for a tool's own tests: the routes of the real server, a clock that a test moves, injected
/// faults, and access to what was recorded. Thread-safe; each test starts its own.</summary>
/// <remarks>It behaves like the real server: both pass one conformance suite. It leaves out what a tool's tests do not need: web pages,
/// forms, Stripe's webhooks, <c>/openapi/v1.json</c>, the throttling of logins and sign-ups, the maximum number of active keys of an
/// account, and archives as the body of <c>POST /migrate</c>.</remarks>
public sealed partial class FakePyResolveServer : IAsyncDisposable, IDisposable
{
    /// <summary>Until a request that waits for work looks again whether somebody else has ended it.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(50);

    private readonly ServerState _state;
    private readonly FaultPlan _faults = new();
    private readonly List<FakeRequest> _requests = [];
    private readonly Dictionary<AccountState, FakeAccount> _accounts = [];
    private readonly LoopbackListener? _listener;
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pyresolve-fake-");

    private FakePyResolveServer(FakePyResolveServerOptions options)
    {
        Clock = new(options.StartAt);
        _state = new(Clock);
        Account = AddAccount("ada@example.com");
        _listener = options.ListenOnLoopback ? LoopbackListener.Start(AnswerAsync, Clock) : null;
        Url = _listener?.Url ?? new("https://pyresolve.test");
        _state.PublicUrl = Url.AbsoluteUri.TrimEnd('/');
    }

    /// <summary>The <see cref="PyResolveClientOptions.ApiUrl"/> of clients: <c>https://pyresolve.test</c>, which is not a real host, or the
    /// address on loopback.</summary>
    public Uri Url { get; }

    /// <summary>The folder for configuration and outbox of clients from <see cref="CreateClient"/>. Deleted with this server.</summary>
    public string Home => _home.FullName;

    /// <summary>The clock of the server and of the clients that <see cref="CreateClient"/> creates.</summary>
    public FakeClock Clock { get; }

    /// <summary>The plans, and what each allows.</summary>
    public FakePlans Plans => _state.Plans;

    /// <summary>An account on the free plan. Clients that <see cref="CreateClient"/> creates have its key.</summary>
    public FakeAccount Account { get; }

    /// <summary>Every account, <see cref="Account"/> first, then in the order in which they were added or signed up.</summary>
    public IReadOnlyList<FakeAccount> Accounts
    {
        get
        {
            lock (_state.Gate)
                return [.. _state.Accounts.Select(AccountOf)];
        }
    }

    /// <summary>The user codes of device logins that were neither approved nor denied.</summary>
    public IReadOnlyList<string> PendingDeviceCodes
    {
        get
        {
            lock (_state.Gate)
                return [.. _state.DeviceLogins.Where(login => login.IsPending(_state.Now)).Select(static login => login.UserCode)];
        }
    }

    /// <summary>Whether requests fail to reach the server, as without a network. Default <see langword="false"/>.</summary>
    public bool IsOffline { get; set; }

    /// <summary>The time that each answer takes, on <see cref="Clock"/>. Default zero.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Whether <c>POST /auth/signup</c> creates accounts. Default <see langword="true"/>.</summary>
    public bool IsSignUpOpen
    {
        get => _state.IsSignUpOpen;
        set => _state.IsSignUpOpen = value;
    }

    /// <summary>Whether the billing routes work; otherwise they answer 503 <c>billing_not_configured</c>. Default
    /// <see langword="true"/>.</summary>
    public bool IsBillingConfigured
    {
        get => _state.IsBillingConfigured;
        set => _state.IsBillingConfigured = value;
    }

    /// <summary>Whether a reservation for a machine has a signed lease. Default <see langword="true"/>.</summary>
    public bool IssuesLeases
    {
        get => _state.IssuesLeases;
        set => _state.IssuesLeases = value;
    }

    /// <summary>The most overage that an account may allow itself in a month, on the plans that have a limit. Default
    /// <see langword="null"/>: no plan has overage.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long? MaxOverage
    {
        get => _state.MaxOverage;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
            _state.MaxOverage = value;
        }
    }

    /// <summary>What <c>POST /migrate</c> runs: called once for each migration that was granted, with what was sent. It must not block.
    /// Where it returns <see langword="null"/>, the server has no migrator for the library. Default <see langword="null"/>: none at all.
    /// </summary>
    public Func<MigrateRequest, FakeMigration?>? Migrator
    {
        get => _state.Migrator;
        set => _state.Migrator = value;
    }

    /// <summary>The requests that reached the server, in this order. Requests while it was offline are not among them.</summary>
    public IReadOnlyList<FakeRequest> Requests
    {
        get
        {
            lock (_state.Gate)
                return [.. _requests];
        }
    }

    /// <summary>Starts a server.</summary>
    /// <param name="options">Default: within this process only, with the system's time.</param>
    public static FakePyResolveServer Start(FakePyResolveServerOptions? options = null) => new(options ?? new());

    /// <summary>Creates a client of this server, with the key of <see cref="Account"/>. Dispose of it before the server.</summary>
    /// <param name="configure">Changes the options, such as the key.</param>
    public PyResolveClient CreateClient(Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions();
        Configure(options);
        configure?.Invoke(options);
        return new(new HttpClient(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan }, options, Clock);
    }

    /// <summary>Sets URL, key and folder of a client's options to this server's, and turns off the caching of quotas.</summary>
    /// <param name="options">The options of a client that the tool creates itself.</param>
    public void Configure(PyResolveClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (options.ApiUrl, options.ApiKey, options.Home, options.QuotaCacheDuration) = (Url, Account.ApiKey, Home, TimeSpan.Zero);
    }

    /// <summary>A message handler that sends requests to this server without a socket: for an <see cref="HttpClient"/>, or for
    /// <c>ConfigurePrimaryHttpMessageHandler</c>.</summary>
    public HttpMessageHandler CreateHandler() => new FakeHandler(AnswerAsync, Clock);

    /// <summary>Adds an account.</summary>
    /// <param name="email">An email address that no other account has.</param>
    /// <param name="password">Default: a fixed one, see <see cref="FakeAccount.Password"/>.</param>
    /// <exception cref="ArgumentException">Another account has this email address.</exception>
    public FakeAccount AddAccount(string email, string password = "correct horse battery staple")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(email);
        var normal = email.Trim().ToLowerInvariant();
        lock (_state.Gate)
        {
            return _state.Accounts.Exists(account => account.Email == normal)
                ? throw new ArgumentException("Another account has this email address.", nameof(email))
                : AccountOf(_state.OpenAccount(normal, password, normal.Split('@')[0]));
        }
    }

    /// <summary>Sells credits: <c>POST /billing/checkout</c> opens a page for them. <see cref="FakeAccount.Credits"/> gives them, like the
    /// payment.</summary>
    /// <param name="name">By which requests name them.</param>
    /// <param name="units">How many migrations they give.</param>
    public void SellCredits(string name, int units)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(units, 1);
        lock (_state.Gate)
            _state.CreditPacks[name] = units;
    }

    /// <summary>Injects a fault into the next requests. Of several faults for a route, the one injected first is applied first.</summary>
    /// <param name="fault">What goes wrong.</param>
    /// <param name="route">
    /// The requests, such as <c>POST /quota/reservations/*/commit</c>; an asterisk stands for one segment. Default: every request.
    /// </param>
    /// <param name="times">The number of requests; <see cref="int.MaxValue"/> for all. Default 1.</param>
    /// <exception cref="ArgumentException"><paramref name="route"/> is not a route.</exception>
    public void Inject(Fault fault, string route = "*", int times = 1)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        _faults.Add(fault, new(route), times);
    }

    /// <summary>Removes all faults and the latency, and brings the server back online.</summary>
    public void Heal()
    {
        _faults.Clear();
        (IsOffline, Latency) = (false, TimeSpan.Zero);
    }

    /// <summary>Approves a device login.</summary>
    /// <param name="userCode">The <see cref="Client.Wire.DeviceCodeResponse.UserCode"/>.</param>
    /// <param name="account">The account whose key the device gets. Default: <see cref="Account"/>.</param>
    /// <exception cref="ArgumentException">No device login has this code.</exception>
    public void ApproveDevice(string userCode, FakeAccount? account = null) =>
        Decide(userCode, login => login.ApprovedBy = (account ?? Account).State);

    /// <summary>Denies a device login.</summary>
    /// <param name="userCode">The <see cref="Client.Wire.DeviceCodeResponse.UserCode"/>.</param>
    /// <exception cref="ArgumentException">No device login has this code.</exception>
    public void DenyDevice(string userCode) => Decide(userCode, static login => login.IsDenied = true);

    /// <summary>Stops listening, and deletes <see cref="Home"/>.</summary>
    public void Dispose()
    {
        _listener?.Dispose();
        _state.Dispose();
        try
        {
            _home.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A client that was not disposed of has a file open: the folder stays in the system's temporary folder.
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private FakeAccount AccountOf(AccountState state)
    {
        if (!_accounts.TryGetValue(state, out var account))
            _accounts[state] = account = new(_state, state);
        return account;
    }

    private void Decide(string userCode, Action<FakeDeviceLogin> decide)
    {
        lock (_state.Gate)
        {
            decide(_state.DeviceLogins.Find(login => login.UserCode == userCode)
                ?? throw new ArgumentException($"No device login has the code {userCode}.", nameof(userCode)));
        }
    }
}
