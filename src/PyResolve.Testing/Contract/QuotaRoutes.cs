using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class QuotaRoutes
{
    private const int MostUnits = 1_000;
    private const int LongestTtl = 604_800;
    private const int LongestMachine = 255;
    private const int MostOnceAnswers = 64;
    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    private const int PageSize = 100;

    public static FakeAnswer Quota(Call call) => FakeAnswer.Json(call.Account.Quota(call.Now), WireJson.Default.QuotaSnapshot);

    public static string? IdempotencyKey(Call call)
    {
        var key = call.Request.Header("Idempotency-Key");
        return key is null || VisibleAscii.IsIdempotencyKey(key)
            ? key
            : throw new ProblemException(Problems.Malformed("Idempotency-Key must be 1 to 255 visible ASCII characters, sent once."));
    }

    /// <summary>For work that the server itself does: the reservation of the same once key, or a new one.</summary>
    public static FakeReservation Reserve(Call call, ReservationRequest request) => Decide(call, request, idempotencyKey: null).Reservation;

    public static FakeAnswer Reserve(Call call)
    {
        var idempotencyKey = IdempotencyKey(call);
        var body = call.Body<ReservationRequest>();
        var rules = new FieldErrors();
        rules.Range("quantity", body.Quantity, 1, MostUnits);
        rules.Tier("tier", body.Tier, required: true);
        rules.Text("library", body.Library, FieldErrors.LongestLibrary);
        rules.Range("ttl_seconds", body.TtlSeconds, 1, LongestTtl);
        rules.Text("machine", body.Machine, LongestMachine);
        if (body.OnceKey is { } onceKey && !VisibleAscii.IsIdempotencyKey(onceKey))
            rules.Add("once_key", ProblemTexts.IdempotencyKeyMalformed);
        rules.ThrowIfAny();

        var request = body with { Quantity = body.Quantity ?? 1, TtlSeconds = body.TtlSeconds ?? 900 };
        call.Account.ExpireDue(call.Now);
        var (reservation, isNew) = Decide(call, request, idempotencyKey);
        var answer = FakeAnswer.Json(
            call.Account.Describe(reservation, request.Machine, call.Now), WireJson.Default.Reservation, isNew ? 201 : 200);
        return isNew ? answer with { Headers = [("Location", $"/quota/reservations/{reservation.Id}")] } : answer;
    }

    public static FakeAnswer List(Call call)
    {
        var rules = new FieldErrors();
        var state = call.Parameter("state");
        if (state is not (null or ReservationStates.Held or ReservationStates.Committed or ReservationStates.Released
            or ReservationStates.Expired))
        {
            rules.Add("state", ProblemTexts.NotAReservationState);
        }

        call.Account.ExpireDue(call.Now);
        var all = call.Account.Reservations.AsEnumerable().Reverse().ToList();
        var start = 0;
        if (call.Parameter("cursor") is { } cursor)
        {
            start = Guid.TryParseExact(cursor, "D", out var last) ? all.FindIndex(reservation => reservation.Id == last) + 1 : 0;
            if (start == 0)
                rules.Add("cursor", ProblemTexts.ReservationCursorUnknown);
        }

        rules.ThrowIfAny();
        var rest = all.Skip(start).Where(reservation => state is null || reservation.State == state).ToList();
        var page = rest.Take(PageSize).Select(reservation => call.Account.Describe(reservation, reservation.Machine, call.Now)).ToList();
        return FakeAnswer.Json(
            new(page, rest.Count > page.Count ? page[^1].Id.ToString("D") : null), WireJson.Default.ReservationPage);
    }

    public static FakeAnswer Read(Call call)
    {
        var reservation = Find(call);
        var answer = call.Account.Describe(reservation, reservation.Machine, call.Now) with
        {
            Receipt = call.Account.Beyond.ReceiptOf(reservation),
        };
        return FakeAnswer.Json(answer, WireJson.Default.Reservation);
    }

    public static FakeAnswer Extend(Call call)
    {
        var body = call.Body<ExtendRequest>();
        var rules = new FieldErrors();
        if (body.TtlSeconds is null)
            rules.Add("ttl_seconds", ProblemTexts.IsRequired);
        rules.Range("ttl_seconds", body.TtlSeconds, 1, LongestTtl);
        rules.ThrowIfAny();

        var reservation = Find(call);
        if (reservation.State != ReservationStates.Held)
            throw new ProblemException(Problems.Conflict(ProblemTexts.ReservationEnded(reservation.State)));
        if (reservation.IsLeased)
            throw new ProblemException(Problems.Conflict(ProblemTexts.ReservationLeased));
        reservation.Extend(TimeSpan.FromSeconds(body.TtlSeconds!.Value), call.Now);
        return FakeAnswer.Json(call.Account.Describe(reservation, machine: null, call.Now), WireJson.Default.Reservation);
    }

    public static FakeAnswer Commit(Call call)
    {
        var body = call.Body<CommitRequest>(whenEmpty: new());
        var rules = new FieldErrors();
        rules.Range("quantity", body.Quantity, 1, MostUnits);
        rules.Counts(body.FilesChanged, body.TokensUsed);
        rules.Text("library", body.Library, FieldErrors.LongestLibrary);
        rules.Metadata("metadata", body.Metadata);
        rules.ThrowIfAny();

        var reservation = Find(call);
        if (reservation.State != ReservationStates.Committed)
            Commit(call, reservation, body);
        return FakeAnswer.Json(
            new(reservation.Id, ReservationStates.Committed, reservation.UsageEventId, Remaining: 0, call.Account.Quota(call.Now)),
            WireJson.Default.ReservationCommitted);
    }

    public static FakeAnswer Release(Call call)
    {
        var reservation = Find(call);
        if (reservation.State == ReservationStates.Committed)
            throw new ProblemException(Problems.Conflict(ProblemTexts.ReservationCommitted));
        if (reservation.Unsettled > 0 && call.Now > reservation.SettlementDeadline)
        {
            throw new ProblemException(Problems.Conflict(
                "The lease of this reservation ended too long ago: what was left of it could be given back until "
                + $"{reservation.SettlementDeadline:yyyy-MM-dd'T'HH:mm:ss'Z'}, and stays used."));
        }

        if (reservation.State != ReservationStates.Released)
            reservation.Release();
        return FakeAnswer.Json(
            new(reservation.Id, ReservationStates.Released, call.Account.Quota(call.Now)), WireJson.Default.ReservationReleased);
    }

    private static (FakeReservation Reservation, bool IsNew) Decide(Call call, ReservationRequest request, string? idempotencyKey)
    {
        var account = call.Account;
        var text = request.ToString();
        if (idempotencyKey is not null && account.AnsweredRequests.TryGetValue(idempotencyKey, out var first))
        {
            return first.Request == text
                ? (first.Reservation, first.IsNew)
                : throw new ProblemException(Problems.Conflict(ProblemTexts.IdempotencyKeyUsed));
        }

        var same = account.Reservations.FindLast(reservation => request.OnceKey is not null && reservation.OnceKey == request.OnceKey
            && reservation.CreatedAt > call.Now - OnceWindow);
        if (same is { State: not (ReservationStates.Held or ReservationStates.Committed) })
            same = null;
        (FakeReservation Reservation, bool IsNew) decided = same is not null && same.Tier == request.Tier
            && same.Quantity == request.Quantity
            ? (Repeat(same), false)
            : (Grant(call, request, same), true);
        if (idempotencyKey is not null)
            account.AnsweredRequests[idempotencyKey] = (text, decided.Reservation, decided.IsNew);
        return decided;
    }

    private static FakeReservation Repeat(FakeReservation same)
    {
        if (same.State == ReservationStates.Committed && ++same.OnceAnswers > MostOnceAnswers)
            throw new ProblemException(
                Problems.Conflict($"This once_key was answered {MostOnceAnswers} times without a debit. Use another for other work."));
        return same;
    }

    private static FakeReservation Grant(Call call, ReservationRequest request, FakeReservation? same)
    {
        var quota = call.Account.Quota(call.Now);
        var upgradeUrl = $"{call.Server.PublicUrl}/pricing";
        if (request.Tier is not "tier1" && !quota.LlmAllowed)
        {
            var detail = DenialTexts.LlmNotAllowed(quota.Plan, upgradeUrl);
            throw new ProblemException(Problems.Forbidden(ProblemCodes.LlmNotAllowed, detail) with { UpgradeUrl = upgradeUrl });
        }

        if (same is not null)
            throw new ProblemException(
                Problems.Conflict($"This once_key stands for {same.Quantity} of {same.Tier}. Use another for other work."));
        var quantity = request.Quantity!.Value;
        var left = call.Account.PlanLeft(quota.MigrationsLimit, quota.Month);
        var missing = left is { } units ? (int)Math.Max(0, quantity - units) : 0;
        if (call.Account.Beyond.Draw(missing, quota.Month) is not { } beyond)
        {
            var limit = quota.MigrationsLimit.Value!.Value;
            var most = limit + call.Account.Beyond.CoveredByCredits(quota.Month) + (quota.Credits ?? 0)
                + Math.Max(call.Account.Beyond.Overage(quota.Month), call.Account.Beyond.Cap);
            var heldUntil = quota.MigrationsUsed + quantity > most ? null : call.Account.Reservations
                .Where(reservation => reservation.Month == quota.Month && reservation.ReturnsAtItsEnd)
                .Min(static reservation => (DateTimeOffset?)reservation.ExpiresAt);
            var detail = $"{DenialTexts.LimitReached(quota.Plan, limit, quota.MigrationsUsed, quota.MigrationsHeld, quantity)} "
                + (heldUntil is { } end ? $"{ProblemTexts.HeldUntil(end)} " : "")
                + DenialTexts.ResetsAt(quota.ResetsAt) + WayOut(call, quota, upgradeUrl);
            throw new ProblemException(
                Problems.Create(402, ProblemCodes.QuotaExceeded, detail)
                    with { UpgradeUrl = upgradeUrl, ResetsAt = quota.ResetsAt, HeldUntil = heldUntil });
        }

        var reservation = new FakeReservation
        {
            Quantity = quantity,
            Remaining = quantity,
            Tier = request.Tier!,
            Library = request.Library,
            Month = quota.Month,
            Machine = request.Machine,
            KeyId = call.Caller.Key?.Id,
            IsLeased = request.Machine is not null && call.Server.IssuesLeases,
            OnceKey = request.OnceKey,
            CreatedAt = call.Now,
            ExpiresAt = call.Now.AddSeconds(request.TtlSeconds!.Value),
            Credits = beyond.Credits,
            Overage = beyond.Overage,
            Receipt = Receipt(quota, quantity, missing == 0 ? null : beyond),
        };
        call.Account.Reservations.Add(reservation);
        return reservation;
    }

    /// <summary>What the account itself can do besides an upgrade, where the server sells it.</summary>
    private static string WayOut(Call call, QuotaSnapshot quota, string upgradeUrl) =>
        (quota.Credits is not null && call.Server.CreditPacks.Count > 0, quota.OverageCap is not null) switch
        {
            (true, true) => $" Buy credits, or raise the limit of overage, at {upgradeUrl}",
            (true, false) => $" Buy credits at {upgradeUrl}",
            (false, true) => $" Raise the limit of overage at {upgradeUrl}",
            _ => "",
        };

    /// <param name="quota">Before.</param>
    /// <param name="quantity">Granted.</param>
    /// <param name="beyond">What the plan does not cover; null: it covers all.</param>
    private static ReservationReceipt Receipt(QuotaSnapshot quota, int quantity, (int Credits, int Overage)? beyond) => new(
        quota.Plan,
        quota.MigrationsLimit,
        quota.MigrationsUsed,
        quota.MigrationsHeld,
        beyond is { } drawn
            ? $"Granted: of the {quantity} asked for, the {quota.Plan} plan's quota covers {quantity - drawn.Credits - drawn.Overage}, "
                + $"credits {drawn.Credits}, overage {drawn.Overage}."
            : Explain(quota, quantity))
    {
        Credits = beyond?.Credits,
        Overage = beyond?.Overage,
    };

    private static string Explain(QuotaSnapshot quota, int quantity) => quota.MigrationsLimit.IsUnlimited
        ? $"Granted: the {quota.Plan} plan has no limit."
        : $"Granted: {quota.MigrationsUsed} used + {quota.MigrationsHeld} held + {quantity} asked for is within the "
            + $"{quota.MigrationsLimit} of the {quota.Plan} plan.";

    /// <summary>Records the work, even after the end of the reservation, except for what events have already recorded.</summary>
    private static void Commit(Call call, FakeReservation reservation, CommitRequest commit)
    {
        var account = call.Account;
        var available = reservation.Available(account.Events.Where(recorded => recorded.Event.ReservationId == reservation.Id).Sum(
            static recorded => recorded.Event.Quantity));
        if (commit.Quantity > available)
            throw new ProblemException(Problems.Invalid("quantity", $"is more than the {available} that the reservation has left."));
        if (available == 0)
        {
            reservation.Commit(0, reservation.UsageEventId, call.Now);
            return;
        }

        var usage = CommittedUsage.Of(commit, reservation.Id, reservation.Tier, reservation.Library);
        var recorded = LedgerEvent.From(usage, call.Caller.Key?.Id, commit.Quantity ?? available, reservation, call.Now);
        if (account.Events.Exists(earlier => earlier.Event.Id == recorded.Event.Id))
            throw new ProblemException(Problems.Conflict(ProblemTexts.EventIdTakenOnCommit));
        account.Events.Add(recorded);
        reservation.Commit(recorded.Event.Quantity, recorded.Event.Id, call.Now);
    }

    private static FakeReservation Find(Call call)
    {
        call.Account.ExpireDue(call.Now);
        return call.Account.Reservations.Find(reservation => reservation.Id == call.Id)
            ?? throw new ProblemException(Problems.NotFound(ProblemTexts.ReservationNotFound));
    }
}
