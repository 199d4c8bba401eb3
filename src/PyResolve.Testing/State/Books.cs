using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>All that the server keeps of an account. Used under the server's lock.</summary>
internal sealed class Books(FakePyResolveServer server, Guid id)
{
    private readonly Dictionary<string, long> _usedBeside = new(StringComparer.Ordinal);

    public string Email { get; set; } = "";

    public string Password { get; set; } = "";

    public string? Name { get; set; }

    public string Plan { get; set; } = "free";

    public List<FakeKey> Keys { get; } = [];

    public List<FakeSession> Sessions { get; } = [];

    public List<AuditEntry> Audit { get; } = [];

    public List<Hold> Holds { get; } = [];

    public List<Recorded> Events { get; } = [];

    /// <summary>Requests for holds by their idempotency keys: what was asked, and the hold that answered, made for it or before.</summary>
    public Dictionary<string, (string Asked, Hold Hold, bool IsNew)> AskedBefore { get; } = new(StringComparer.Ordinal);

    public SubscriptionInfo? Subscription { get; set; }

    public EmailToken? ResetToken { get; set; }

    public EmailToken? VerificationToken { get; set; }

    public UserInfo User => new(id, Email, Name, Plan);

    public FakeSession OpenSession(DateTimeOffset now)
    {
        var session = new FakeSession(now + FakeSession.Lifetime);
        Sessions.Add(session);
        return session;
    }

    public long Used(string month) =>
        Events.Where(recorded => recorded.Event.Month == month).Sum(static recorded => (long)recorded.Migrations)
        + Holds.Where(hold => hold.Month == month).Sum(static hold => (long)hold.Lapsed)
        + _usedBeside.GetValueOrDefault(month);

    public long Held(string month) => Holds.Where(hold => hold.Month == month).Sum(static hold => (long)hold.Remaining);

    /// <summary>Makes a month count as if so many had been used.</summary>
    public void SetUsed(string month, long used) => _usedBeside[month] = used - Used(month) + _usedBeside.GetValueOrDefault(month);

    public void SettleDue(DateTimeOffset now) => Holds.ForEach(hold => hold.Settle(now));

    public QuotaSnapshot Quota(DateTimeOffset now)
    {
        SettleDue(now);
        var month = MonthOf(now);
        var plan = server.Plans[Plan];
        var (used, held) = (Used(month), Held(month));
        var remaining = plan.MigrationsLimit.Value is { } limit ? QuotaLimit.Of(Math.Max(0, limit - used - held)) : QuotaLimit.Unlimited;
        return new(Plan, used, plan.MigrationsLimit, remaining, plan.LlmAllowed, CanMigrate: remaining.Value is not 0, held, month, StartOfNextMonth(now));
    }

    public Reservation Describe(Hold hold, string? machine, DateTimeOffset now)
    {
        var isLease = hold is { IsLeased: true, State: ReservationStates.Held } && hold.Machine == machine;
        var lease = isLease ? server.LeaseKey.Sign(server.PublicUrl, id, hold) : null;
        return new(hold.Id, hold.State, hold.Quantity, hold.Remaining, hold.Tier, hold.Library, hold.Month, hold.ExpiresAt, lease, Quota(now));
    }

    /// <summary>Nothing of it can be used any more, and nothing personal is left; its usage stays.</summary>
    public void Delete(DateTimeOffset now)
    {
        (Email, Name, Password, Subscription, ResetToken, VerificationToken) = ("", null, Ids.Create().ToString(), null, null, null);
        Sessions.Clear();
        foreach (var key in Keys)
            key.RevokedAt ??= now;
    }

    public static string MonthOf(DateTimeOffset now) => now.UtcDateTime.ToString("yyyy-MM");

    public static DateTimeOffset StartOfNextMonth(DateTimeOffset now) =>
        new DateTimeOffset(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
}
