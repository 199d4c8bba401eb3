using PyResolve.Client.Wire;
using PyResolve.Testing.State;

namespace PyResolve.Testing;

/// <summary>An account of <see cref="FakePyResolveServer"/>: a test sets it up, and reads from it afterwards. Thread-safe.</summary>
public sealed class FakeAccount
{
    private readonly ServerState _server;

    internal FakeAccount(ServerState server, AccountState state)
    {
        _server = server;
        State = state;
    }

    /// <summary>The account's id.</summary>
    public Guid Id => State.Id;

    /// <summary>The email address in lower case; empty after the account was deleted.</summary>
    public string Email => Locked(() => State.Email);

    /// <summary>The password for <c>POST /auth/login</c>.</summary>
    public string Password => Locked(() => State.Password);

    /// <summary>The owner's name.</summary>
    public string? Name => Locked(() => State.Name);

    /// <summary>The account's first key, even if it was revoked. It has all scopes except <c>keys</c>, and no expiry.</summary>
    public string ApiKey => Locked(() => State.Keys[0].Secret);

    /// <summary>The token of the account's first session, for routes that need a session.</summary>
    public string SessionToken => State.FirstSessionToken;

    /// <summary>The current plan: <c>free</c> (the default), <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.
    /// <see cref="FakePyResolveServer.Plans"/> says what it allows.</summary>
    /// <exception cref="ArgumentException">There is no plan with this name.</exception>
    public string Plan
    {
        get => Locked(() => State.Plan);
        set => Locked(() => State.Plan = _server.Plans[value].Name);
    }

    /// <summary>The migrations used this month. Setting it changes the count, and not the events.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long MigrationsUsed
    {
        get => Quota.MigrationsUsed;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Locked(() => State.SetUsed(State.Quota(_server.Now).Month, value));
        }
    }

    /// <summary>Prepaid migrations that are left for when the plan's are used up; <see langword="null"/> (the default): the plan does not
    /// draw on credits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long? Credits
    {
        get => Locked(() =>
        {
            State.ExpireDue(_server.Now);
            return State.Beyond.Credits;
        });
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
            Locked(() =>
            {
                State.ExpireDue(_server.Now);
                State.Beyond.Credits = value;
            });
        }
    }

    /// <summary>The body of <c>GET /quota</c>.</summary>
    public QuotaSnapshot Quota => Locked(() => State.Quota(_server.Now));

    /// <summary>The recorded usage events, in the order of their arrival.</summary>
    public IReadOnlyList<RecordedUsageEvent> Events => Locked(() => State.Events.ConvertAll(static recorded => recorded.Event));

    /// <summary>Every granted reservation, oldest first, in its current state, as <c>GET /quota/reservations/{id}</c> returns it.</summary>
    public IReadOnlyList<Reservation> Holds => Locked(() =>
    {
        State.ExpireDue(_server.Now);
        return State.Reservations.ConvertAll(
            reservation => State.Describe(reservation, reservation.Machine, _server.Now) with
            {
                Receipt = State.Beyond.ReceiptOf(reservation),
            });
    });

    /// <summary>The account's keys, oldest first, including revoked ones.</summary>
    public IReadOnlyList<ApiKeyInfo> ApiKeys => Locked(() => State.Keys.ConvertAll(static key => key.Info));

    /// <summary>The subscription; <see langword="null"/> if there never was one. Setting it also sets <see cref="Plan"/>.</summary>
    public SubscriptionInfo? Subscription
    {
        get => Locked(() => State.Subscription);
        set => Locked(() =>
        {
            State.Plan = _server.Plans[value?.Plan ?? "free"].Name;
            State.Subscription = value;
        });
    }

    /// <summary>The token of <c>POST /auth/password/forgot</c>'s email; <see langword="null"/> if none was sent, or it was used.</summary>
    public string? PasswordResetToken => Locked(() => State.ResetToken?.Value);

    /// <summary>The token in the email to every new account; <see langword="null"/> once the email address is verified.</summary>
    public string? EmailVerificationToken => Locked(() => State.VerificationToken?.Value);

    internal AccountState State { get; }

    /// <summary>Uses up this month's quota: the next migration is refused.</summary>
    /// <exception cref="InvalidOperationException">The plan has no limit.</exception>
    public void UseUpQuota() => Locked(() =>
    {
        var quota = State.Quota(_server.Now);
        var remaining = quota.MigrationsRemaining.Value
            ?? throw new InvalidOperationException($"The {quota.Plan} plan has no limit. Set another Plan first.");
        State.SetUsed(quota.Month, quota.MigrationsUsed + remaining);
    });

    /// <summary>Revokes all keys of the account.</summary>
    public void RevokeApiKeys() => Locked(() =>
    {
        foreach (var key in State.Keys)
            key.RevokedAt ??= _server.Now;
    });

    /// <summary>Creates a key.</summary>
    /// <param name="scopes">Some of <see cref="Scopes.All"/>; none means <see cref="Scopes.Default"/>.</param>
    /// <returns>The key.</returns>
    public string AddApiKey(params string[] scopes) => Locked(() =>
    {
        var key = new FakeKey(FakeKey.DefaultName, scopes.Length == 0 ? Scopes.Default : [.. scopes], _server.Now);
        State.Keys.Add(key);
        return key.Secret;
    });

    /// <summary>Subscribes the account to a plan, like a paid checkout.</summary>
    /// <param name="plan"><c>pro</c> or <c>unlimited</c>.</param>
    public void Subscribe(string plan) => Subscription = new(
        plan, "active", Cancelling: false, _server.Now.AddMonths(1), GraceEndsAt: null, $"sub_{Ids.Create():N}");

    /// <summary>The account's id, without its secrets, for logs.</summary>
    public override string ToString() => $"{nameof(FakeAccount)} {Id}";

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
