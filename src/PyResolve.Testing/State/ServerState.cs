using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>The state of the whole server. Readers and writers hold <see cref="Gate"/>.</summary>
internal sealed class ServerState : IDisposable
{
    private readonly TimeProvider _clock;

    public ServerState(TimeProvider clock)
    {
        _clock = clock;
        Plans = new(Gate);
    }

    public Gate Gate { get; } = new();

    public FakePlans Plans { get; }

    public List<AccountState> Accounts { get; } = [];

    public List<FakeDeviceLogin> DeviceLogins { get; } = [];

    public LeaseSigningKey LeaseKey { get; } = new();

    public string PublicUrl { get; set; } = "";

    public bool IsSignUpOpen { get; set; } = true;

    public bool IsBillingConfigured { get; set; } = true;

    public bool IssuesLeases { get; set; } = true;

    /// <summary>null: no plan has overage.</summary>
    public long? MaxOverage { get; set; }

    /// <summary>By name: how many migrations each gives.</summary>
    public SortedDictionary<string, int> CreditPacks { get; } = new(StringComparer.Ordinal);

    /// <summary>What <c>POST /migrate</c> runs.</summary>
    public Func<MigrateRequest, FakeMigration?>? Migrator { get; set; }

    public long Timestamp => _clock.GetTimestamp();

    public DateTimeOffset Now => LedgerEvent.Truncate(_clock.GetUtcNow());

    public TimeSpan TimeLeft(FakeMigrationRun run) => run.Work.Duration - _clock.GetElapsedTime(run.StartedAt);

    public AccountState OpenAccount(string email, string password, string? name)
    {
        var account = new AccountState(this) { Email = email, Password = password, Name = name, VerificationToken = new(Now.AddDays(7)) };
        var key = new FakeKey(FakeKey.DefaultName, Scopes.Default, Now);
        account.Keys.Add(key);
        account.FirstSessionToken = account.OpenSession(Now).Token;
        account.Audit.Add(new(Now, "owner", "account.created", key.Prefix, "127.0.0.1"));
        Accounts.Add(account);
        return account;
    }

    public void Dispose() => LeaseKey.Dispose();
}
