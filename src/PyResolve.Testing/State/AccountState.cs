using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

internal sealed class AccountState
{
    private readonly ServerState _server;
    private readonly Dictionary<string, long> _usedWithoutEvents = new(StringComparer.Ordinal);

    public AccountState(ServerState server)
    {
        _server = server;
        Beyond = new(this);
    }

    public Guid Id { get; } = Ids.Create();

    public required string Email { get; set; }

    public required string Password { get; set; }

    public string? Name { get; set; }

    public string Plan { get; set; } = "free";

    public List<FakeKey> Keys { get; } = [];

    public List<FakeSession> Sessions { get; } = [];

    public string FirstSessionToken { get; set; } = "";

    public List<AuditEntry> Audit { get; } = [];

    public List<FakeReservation> Reservations { get; } = [];

    public List<FakeMigrationRun> Migrations { get; } = [];

    public List<LedgerEvent> Events { get; } = [];

    /// <summary>By idempotency key: the request, and the reservation in its answer, which is new or an earlier one.</summary>
    public Dictionary<string, (string Request, FakeReservation Reservation, bool IsNew)> AnsweredRequests { get; } = new(
        StringComparer.Ordinal);

    public SubscriptionInfo? Subscription { get; set; }

    public BeyondPlan Beyond { get; }

    public EmailToken? ResetToken { get; set; }

    public EmailToken? VerificationToken { get; set; }

    /// <summary>The reader of the mailbox has shown that the account is theirs.</summary>
    public bool IsProved { get; set; }

    public UserInfo User => new(Id, Email, Name, Plan);

    public FakeSession OpenSession(DateTimeOffset now)
    {
        var session = new FakeSession(now + FakeSession.Lifetime);
        Sessions.Add(session);
        return session;
    }

    public long Used(string month) =>
        Events.Where(recorded => recorded.Event.Month == month).Sum(static recorded => (long)recorded.Migrations)
        + Reservations.Where(reservation => reservation.Month == month).Sum(static reservation => (long)reservation.Unsettled)
        + _usedWithoutEvents.GetValueOrDefault(month);

    public long Held(string month) =>
        Reservations.Where(reservation => reservation.Month == month).Sum(static reservation => (long)reservation.Remaining);

    /// <summary>Sets the used units of a month. The events do not change.</summary>
    public void SetUsed(string month, long used) =>
        _usedWithoutEvents[month] = used - Used(month) + _usedWithoutEvents.GetValueOrDefault(month);

    /// <summary>Ends what is due: migrations first, which commit their reservations.</summary>
    public void ExpireDue(DateTimeOffset now)
    {
        foreach (var run in Migrations.Where(run => run.End is null && _server.TimeLeft(run) <= TimeSpan.Zero).ToList())
            run.Finish(this, now);
        Reservations.ForEach(reservation => reservation.ExpireIfDue(now));
    }

    public QuotaSnapshot Quota(DateTimeOffset now)
    {
        ExpireDue(now);
        var month = MonthOf(now);
        var plan = _server.Plans[Plan];
        var (used, held) = (Used(month), Held(month));
        var remaining = plan.MigrationsLimit.Value is { } limit ? QuotaLimit.Of(Math.Max(0, limit - used - held)) : QuotaLimit.Unlimited;
        var isLimited = !plan.MigrationsLimit.IsUnlimited;
        var credits = isLimited ? Beyond.Credits : null;
        var canMigrate = PlanLeft(plan.MigrationsLimit, month) is not 0 || credits > 0 || (isLimited && Beyond.Left(month) > 0);
        return new(Plan, used, plan.MigrationsLimit, remaining, plan.LlmAllowed, canMigrate, held, month, StartOfNextMonth(now))
        {
            Credits = credits,
            OverageUsed = isLimited && _server.MaxOverage is not null ? Beyond.Overage(month) : null,
            OverageCap = isLimited && _server.MaxOverage is not null ? Beyond.Cap : null,
        };
    }

    /// <summary>Units that credits and overage cover use none of the plan's; <see langword="null"/>: it has no limit.</summary>
    public long? PlanLeft(QuotaLimit limit, string month) => limit.Value is { } most
        ? Math.Max(0, most + Beyond.CoveredByCredits(month) + Beyond.Overage(month) - Used(month) - Held(month))
        : null;

    public Reservation Describe(FakeReservation reservation, string? machine, DateTimeOffset now)
    {
        var isLease = reservation is { IsLeased: true, State: ReservationStates.Held } && reservation.Machine == machine;
        var lease = isLease ? _server.LeaseKey.Sign(_server.PublicUrl, Id, reservation) : null;
        return new(
            reservation.Id,
            reservation.State,
            reservation.Quantity,
            reservation.Remaining,
            reservation.Tier,
            reservation.Library,
            reservation.Month,
            reservation.ExpiresAt,
            lease,
            Quota(now))
        {
            KeyId = reservation.KeyId,
        };
    }

    public void Delete(DateTimeOffset now)
    {
        (Email, Name, Password, Subscription, ResetToken, VerificationToken) = ("", null, Ids.Create().ToString(), null, null, null);
        RevokeAll(now);
    }

    public void RevokeAll(DateTimeOffset now)
    {
        Sessions.Clear();
        foreach (var key in Keys)
            key.RevokedAt ??= now;
    }

    public static string MonthOf(DateTimeOffset now) => now.UtcDateTime.ToString("yyyy-MM");

    public static DateTimeOffset StartOfNextMonth(DateTimeOffset now) =>
        new DateTimeOffset(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
}
