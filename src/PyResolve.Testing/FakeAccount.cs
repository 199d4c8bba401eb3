using PyResolve.Client.Wire;
using PyResolve.Testing.State;

namespace PyResolve.Testing;

/// <summary>An account of <see cref="FakePyResolveServer"/>: what a test scripts, and what it looks at afterwards. Thread-safe.</summary>
public sealed class FakeAccount
{
    private readonly FakePyResolveServer _server;

    internal FakeAccount(FakePyResolveServer server)
    {
        _server = server;
        Books = new(server, Id);
    }

    /// <summary>The account's id.</summary>
    public Guid Id { get; } = Ids.Create();

    /// <summary>In lower case; empty once the account is deleted.</summary>
    public string Email => Locked(() => Books.Email);

    /// <summary>What <c>POST /auth/login</c> takes.</summary>
    public string Password => Locked(() => Books.Password);

    /// <summary>What its owner is called.</summary>
    public string? Name => Locked(() => Books.Name);

    /// <summary>Its first key, whatever has become of it: all scopes but <c>keys</c>, no expiry.</summary>
    public string ApiKey => Locked(() => Books.Keys[0].Secret);

    /// <summary>A session that is open from the start, whatever has become of it: for what only a session may.</summary>
    public string SessionToken { get; private set; } = "";

    /// <summary>The plan that counts: <c>free</c> (the default), <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>. What it allows is <see cref="FakePyResolveServer.Plans"/>'.</summary>
    /// <exception cref="ArgumentException">There is no such plan.</exception>
    public string Plan
    {
        get => Locked(() => Books.Plan);
        set => Locked(() => Books.Plan = _server.Plans[value].Name);
    }

    /// <summary>What counts as used this month. Set, it counts from the next request on, beside the events, which stay as they are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to less than zero.</exception>
    public long MigrationsUsed
    {
        get => Quota.MigrationsUsed;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Locked(() => Books.SetUsed(Books.Quota(_server.Now).Month, value));
        }
    }

    /// <summary>Where it stands, as <c>GET /quota</c> tells.</summary>
    public QuotaSnapshot Quota => Locked(() => Books.Quota(_server.Now));

    /// <summary>What was recorded, in the order in which it came.</summary>
    public IReadOnlyList<RecordedUsageEvent> Events => Locked(() => Books.Events.ConvertAll(static recorded => recorded.Event));

    /// <summary>Every hold that was granted, in that order, as <c>GET /quota/reservations</c> tells of it now.</summary>
    public IReadOnlyList<Reservation> Holds => Locked(() =>
    {
        Books.SettleDue(_server.Now);
        return Books.Holds.ConvertAll(hold => Books.Describe(hold, hold.Machine, _server.Now) with { Receipt = hold.Receipt });
    });

    /// <summary>Its keys, the oldest first, the revoked ones too.</summary>
    public IReadOnlyList<ApiKeyInfo> ApiKeys => Locked(() => Books.Keys.ConvertAll(static key => key.Info));

    /// <summary>What it is subscribed to; <see langword="null"/> where it never was. Setting it changes the <see cref="Plan"/> too.</summary>
    public SubscriptionInfo? Subscription
    {
        get => Locked(() => Books.Subscription);
        set => Locked(() =>
        {
            Books.Plan = _server.Plans[value?.Plan ?? "free"].Name;
            Books.Subscription = value;
        });
    }

    /// <summary>What the email says that <c>POST /auth/password/forgot</c> has sent; <see langword="null"/> where none is out.</summary>
    public string? PasswordResetToken => Locked(() => Books.ResetToken?.Value);

    /// <summary>What the email says that every new account is sent; <see langword="null"/> once the e-mail is verified.</summary>
    public string? EmailVerificationToken => Locked(() => Books.VerificationToken?.Value);

    internal Books Books { get; }

    /// <summary>Uses what this month has left, so that the next migration is refused.</summary>
    /// <exception cref="InvalidOperationException">The plan has no limit.</exception>
    public void UseUpQuota() => Locked(() =>
    {
        var quota = Books.Quota(_server.Now);
        var remaining = quota.MigrationsRemaining.Value ?? throw new InvalidOperationException($"The {quota.Plan} plan has no limit. Set another Plan first.");
        Books.SetUsed(quota.Month, quota.MigrationsUsed + remaining);
    });

    /// <summary>Revokes all of its keys, as their owner does who has lost one.</summary>
    public void RevokeApiKeys() => Locked(() =>
    {
        foreach (var key in Books.Keys)
            key.RevokedAt ??= _server.Now;
    });

    /// <summary>Makes a key.</summary>
    /// <param name="scopes">Some of <see cref="Scopes.All"/>; none: <see cref="Scopes.Default"/>.</param>
    /// <returns>The key.</returns>
    public string AddApiKey(params string[] scopes) => Locked(() =>
    {
        var key = new FakeKey(FakeKey.DefaultName, scopes.Length == 0 ? Scopes.Default : [.. scopes], _server.Now);
        Books.Keys.Add(key);
        return key.Secret;
    });

    /// <summary>Has its owner pay for a plan, as after a checkout.</summary>
    /// <param name="plan"><c>pro</c> or <c>unlimited</c>.</param>
    public void Subscribe(string plan) => Subscription = new(
        plan, "active", Cancelling: false, _server.Now.AddMonths(1), GraceEndsAt: null, $"sub_{Ids.Create():N}");

    /// <summary>The account's id alone, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(FakeAccount)} {Id}";

    /// <summary>Under the server's lock.</summary>
    internal FakeAccount Opened(string email, string password, string? name)
    {
        (Books.Email, Books.Password, Books.Name) = (email, password, name);
        var key = new FakeKey(FakeKey.DefaultName, Scopes.Default, _server.Now);
        Books.Keys.Add(key);
        SessionToken = Books.OpenSession(_server.Now).Token;
        Books.VerificationToken = new(_server.Now.AddDays(7));
        Books.Audit.Add(new(_server.Now, "owner", "account.created", key.Prefix, "127.0.0.1"));
        return this;
    }

    private T Locked<T>(Func<T> work)
    {
        lock (_server.Gate)
            return work();
    }

    private void Locked(Action work)
    {
        lock (_server.Gate)
            work();
    }
}
